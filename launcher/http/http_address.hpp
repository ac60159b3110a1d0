#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace drainpipe {

// Where HTTP is served: a TCP port of one of this host's addresses, or a Unix socket.
struct HttpAddress {
    std::string host{};            // a numeric address; empty where it is a Unix socket
    std::uint16_t port = 0;        // 0: one that is free
    std::filesystem::path path{};  // of the Unix socket; empty where it is none

    bool is_unix() const { return !path.empty(); }

    // As it is written: "127.0.0.1:9464", "[::1]:9464", "unix:/run/drainpipe.http".
    std::string describe() const;
};

// Reads ADDRESS:PORT, with an IPv4 address, an IPv6 address in brackets, `localhost`, or nothing,
// which both stand for 127.0.0.1; or unix:PATH. No other name is looked up: it might lead to
// another address with every start. Throws Failure(usage) whose message begins with `what`, which
// names where the text came from, and shows the text.
HttpAddress parse_http_address(const std::string& what, const std::string& text);

}  // namespace drainpipe
