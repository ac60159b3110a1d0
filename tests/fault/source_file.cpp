#include "source_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <utility>

namespace drainpipe::test {
namespace {

// The line without its comment and what its strings hold.
std::string code_of(const std::string& line) {
    static const std::regex text("\"(\\\\.|[^\"\\\\])*\"|'(\\\\.|[^'\\\\])+'");
    const std::string code = std::regex_replace(line, text, "\"\"");
    return code.substr(0, code.find("//"));
}

std::string trimmed(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(' ');
    return begin == std::string::npos ? ""
                                      : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

}  // namespace

SourceFile::SourceFile(std::string name, std::istream& text) : name_(std::move(name)) {
    std::size_t number = 0;
    for (std::string line; std::getline(text, line);) {
        add_line(line, ++number);
    }
}

void SourceFile::add_line(const std::string& line, std::size_t number) {
    const std::string code = trimmed(code_of(line));
    if (code.empty() || code.starts_with('#')) {
        return;
    }
    if (open_ > 0) {
        statements_.back().code += " " + code;
        statements_.back().last_line = number;
    } else {
        statements_.push_back({code, number, number, line.starts_with(' ')});
    }
    open_ += static_cast<int>(std::ranges::count(code, '('));
    open_ -= static_cast<int>(std::ranges::count(code, ')'));
    if (code.ends_with('{')) {
        open_ = 0;
    }
    open_ = std::max(open_, 0);
}

std::vector<SourceFile> source_files(const std::string& folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        const std::string extension = entry.path().extension().string();
        if (extension == ".cpp" || extension == ".hpp") {
            paths.push_back(entry.path());
        }
    }
    std::ranges::sort(paths);
    std::vector<SourceFile> files;
    for (const std::filesystem::path& path : paths) {
        std::ifstream text(path);
        files.emplace_back(path.filename().string(), text);
    }
    return files;
}

}  // namespace drainpipe::test
