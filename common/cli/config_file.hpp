#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace drainpipe {

// Reads a configuration file: lines of `key = value`, empty lines, and comments after # or ; at
// the beginning of a line. The value is all that follows the first =, without the blanks
// around it and one pair of quotes. A byte-order mark is passed over. Throws Failure(usage) that
// names the file and the line's number and shows the line: for a key that is none of `keys` or
// comes twice, a missing value, and lines of other forms.
struct ConfigItem {
    std::string key;
    std::string value;
    std::string place;  // "FILE:3"
};
std::vector<ConfigItem> read_config_file(const std::filesystem::path& path,
                                         const std::vector<std::string>& keys);

}  // namespace drainpipe
