#include "http_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "failure.hpp"

namespace drainpipe {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr const char* kLoopback = "127.0.0.1";
constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;

bool is_address(int family, const std::string& text) {
    in6_addr address{};
    return ::inet_pton(family, text.c_str(), &address) == 1;
}

std::optional<std::string> read_host(std::string text) {
    if (text.empty() || text == "localhost") {
        return kLoopback;
    }
    if (is_address(AF_INET, text)) {
        return text;
    }
    if (text.front() == '[' && text.back() == ']') {
        text = text.substr(1, text.size() - 2);
        if (is_address(AF_INET6, text)) {
            return text;
        }
    }
    return std::nullopt;
}

std::optional<std::uint16_t> read_port(std::string_view text) {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, port);
    return error == std::errc() && rest == end ? std::optional(port) : std::nullopt;
}

}  // namespace

std::string HttpAddress::describe() const {
    if (is_unix()) {
        return std::string(kUnix) + path.string();
    }
    const bool is_ipv6 = host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

HttpAddress parse_http_address(const std::string& what, const std::string& text) {
    const auto refuse = [&](const std::string& why) {
        return Failure(ExitCode::usage, what + ": '" + text + "' " + why);
    };
    HttpAddress address;
    if (text.starts_with(kUnix)) {
        address.path = text.substr(kUnix.size());
        if (address.path.empty() || text.size() - kUnix.size() > kLongestPath) {
            throw refuse("has no path of 1 to " + std::to_string(kLongestPath) + " bytes");
        }
        return address;
    }
    const std::size_t colon = text.rfind(':');
    const auto host = colon == std::string::npos ? std::nullopt : read_host(text.substr(0, colon));
    const auto port = colon == std::string::npos
                          ? std::nullopt
                          : read_port(std::string_view(text).substr(colon + 1));
    if (!host || !port) {
        throw refuse(
            "is neither ADDRESS:PORT (such as :9464, 0.0.0.0:9464 or [::1]:9464; of names only "
            "localhost) nor unix:PATH");
    }
    address.host = *host;
    address.port = *port;
    return address;
}

}  // namespace drainpipe
