#include "receipt.hpp"

namespace soak {

std::string payload_of(const Receipt& receipt, std::uint64_t number) {
    auto payload = receipt.prefix + std::to_string(number);
    if (receipt.padding > 0) payload.append(1, ':').append(receipt.padding, 'x');
    return payload;
}

std::string as_shown(const std::string& payload) {
    constexpr std::size_t kCut = 64;
    return payload.size() > kCut ? payload.substr(0, kCut) + "..." : payload;
}

std::string payloads_of(const Receipt& receipt, std::uint64_t first, std::uint64_t last) {
    std::string text;
    for (auto number = first; number <= last; ++number) {
        text.append(payload_of(receipt, number)).push_back('\n');
    }
    return text;
}

}  // namespace soak
