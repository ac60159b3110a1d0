#include "files.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

namespace harness {

std::string read_text(const std::filesystem::path& path, std::uint64_t start) {
    std::ifstream file(path, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(start));
    if (!file) return {};
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

void write_text(const std::filesystem::path& path, std::string_view text) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.close();
    if (!file) throw std::system_error(errno, std::generic_category(), "write " + path.string());
}

void write_script(const std::filesystem::path& path, std::string_view text) {
    write_text(path, text);
    std::filesystem::permissions(path, std::filesystem::perms{0755});
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return lines;
}

std::map<std::string, int> line_counts(std::string_view text) {
    std::map<std::string, int> counts;
    for (const auto line : lines_of(text)) ++counts[std::string(line)];
    return counts;
}

std::string numbers(std::uint64_t first, std::uint64_t last, std::string_view prefix) {
    std::string text;
    for (auto number = first; number <= last; ++number) {
        text.append(prefix).append(std::to_string(number)).push_back('\n');
    }
    return text;
}

TemporaryDirectory::TemporaryDirectory(std::string_view prefix) {
    const std::string name = std::string(prefix) + "-" + std::to_string(::getpid()) + "-XXXXXX";
    std::string form = (std::filesystem::temp_directory_path() / name).string();
    if (::mkdtemp(form.data()) == nullptr) {
        throw std::system_error(errno, std::generic_category(), "make directory " + form);
    }
    path_ = form;
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace harness
