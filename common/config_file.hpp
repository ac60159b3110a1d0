#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace drainpipe {

// Reads a configuration file: lines of `key = value`, empty lines, and comments behind # or ; at
// the beginning of a line. The value is all that stands behind the first =, without the blanks
// around it and one pair of quotes. Throws Failure(usage) that names the file and shows the line:
// for a key that is none of `keys` or comes twice, a missing value, and lines of other forms.
std::vector<std::pair<std::string, std::string>> read_config_file(
    const std::filesystem::path& path, const std::vector<std::string>& keys);

}  // namespace drainpipe
