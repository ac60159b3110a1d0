#include "numbered_lines.hpp"

#include <charconv>
#include <fstream>
#include <stdexcept>

namespace drainpipe::bench {

void write_numbers(const std::string& path, std::uint64_t count) {
    std::ofstream file(path);
    for (std::uint64_t number = 1; number <= count; ++number) {
        file << number << '\n';
    }
}

void check_numbers(const std::string& path, std::uint64_t count, std::string_view before) {
    std::ifstream file(path);
    std::uint64_t expected = 0;
    for (std::string line; std::getline(file, line);) {
        std::size_t begin = 0;
        if (!before.empty()) {
            begin = line.find(before);
            if (begin == std::string::npos) {
                continue;  // a record of something else
            }
            begin += before.size();
        }
        std::uint64_t number = 0;
        std::from_chars(line.data() + begin, line.data() + line.size(), number);
        if (number != ++expected) {
            throw std::runtime_error(path + ": " + std::to_string(number) + " came where " +
                                     std::to_string(expected) + " was due");
        }
    }
    if (expected != count) {
        throw std::runtime_error(path + ": " + std::to_string(expected) + " of " +
                                 std::to_string(count));
    }
}

}  // namespace drainpipe::bench
