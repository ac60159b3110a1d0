#include "config_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string_view>
#include <system_error>

#include "credentials.hpp"
#include "failure.hpp"

namespace drainpipe {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r";  // lines may end as on Windows
    const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
    return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::string_view without_quotes(std::string_view text) {
    const bool is_quoted = text.size() > 1 && text.front() == text.back() &&
                           (text.front() == '"' || text.front() == '\'');
    return is_quoted ? text.substr(1, text.size() - 2) : text;
}

// What is wrong with the line, in words; nothing where it is an item that gets into `items`.
std::string_view take_line(std::string_view line, const std::string& place,
                           const std::vector<std::string>& keys, std::vector<ConfigItem>& items) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || line.find('\0') != std::string_view::npos) {
        return "is not of the form key = value";
    }
    const std::string_view key = trimmed(line.substr(0, equals));
    const std::string_view value = without_quotes(trimmed(line.substr(equals + 1)));
    if (std::ranges::find(keys, key) == keys.end()) {
        return "has an unknown key";
    }
    if (value.empty()) {
        return "has no value";
    }
    if (std::ranges::find(items, key, &ConfigItem::key) != items.end()) {
        return "has a key that came before";
    }
    items.push_back({std::string(key), std::string(value), place});
    return {};
}

}  // namespace

std::vector<ConfigItem> read_config_file(const std::filesystem::path& path,
                                         const std::vector<std::string>& keys) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    std::vector<ConfigItem> items;
    std::ifstream file(path);
    std::string text;
    for (std::size_t number = 1; std::getline(file, text); ++number) {
        std::string_view line = text;
        if (number == 1 && line.starts_with(kByteOrderMark)) {
            line.remove_prefix(kByteOrderMark.size());
        }
        line = trimmed(line);
        if (line.empty() || line.front() == '#' || line.front() == ';') {
            continue;
        }
        const std::string place = path.string() + ":" + std::to_string(number);
        if (const std::string_view fault = take_line(line, place, keys, items); !fault.empty()) {
            throw Failure(ExitCode::usage, place + ": '" + with_hidden_credentials(line) + "' " +
                                               std::string(fault));
        }
    }
    if (!file.eof()) {
        throw Failure(ExitCode::usage, "--config: cannot read " + path.string() + ": " +
                                           std::generic_category().message(errno));
    }
    return items;
}

}  // namespace drainpipe
