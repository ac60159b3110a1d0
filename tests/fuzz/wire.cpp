#include "wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "line_splitter.hpp"

using namespace drainpipe::wire;

namespace {

constexpr std::uint64_t kLongest = 64;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// The lines of `text`, cut the plain way.
std::vector<std::string_view> plain_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return lines;
}

void check_splitter(std::string_view text, std::size_t piece) {
    LineSplitter splitter(kLongest);
    const std::vector<std::string_view> expected = plain_lines(text);
    std::size_t seen = 0;
    for (std::size_t begin = 0; begin < text.size(); begin += piece) {
        std::vector<LineSplitter::Line> lines;
        splitter.split(text.substr(begin, piece), lines);
        require(splitter.kept() <= kLongest);
        for (const LineSplitter::Line& line : lines) {
            const std::string_view plain = expected.at(seen++);
            require(line.bytes == plain.size());
            require(line.is_too_long == (plain.size() > kLongest));
            require(line.is_too_long || line.payload == plain);
        }
    }
    require(seen == expected.size());
}

}  // namespace

// The first byte says how large the pieces are in which the rest arrives.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    check_splitter(text, std::max<std::size_t>(1, data[0]));
    for (const std::string_view line : plain_lines(text)) {
        static_cast<void>(parse_answer(line));
    }
    return 0;
}
