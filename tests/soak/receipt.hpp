#pragma once

// What a client knows of its events: which it sent, and how many it was told are accepted. The
// payload of event n is PREFIXn, followed by a colon and `padding` letters x where padding is not
// zero; a prefix is used by one client and, once a connection of its broke, never again.

#include <cstdint>
#include <string>

namespace soak {

struct Receipt {
    std::string prefix;
    std::size_t padding = 0;
    std::uint64_t sent = 0;   // no event above it was sent, not even in part
    std::uint64_t known = 0;  // events 1..known are accepted
    bool is_exact = true;     // and no others are
};

std::string payload_of(const Receipt& receipt, std::uint64_t number);

// As the log shows a payload.
std::string as_shown(const std::string& payload);

// The payloads first..last, each with its newline.
std::string payloads_of(const Receipt& receipt, std::uint64_t first, std::uint64_t last);

}  // namespace soak
