#include "nats_url.hpp"

#include <charconv>
#include <optional>
#include <stdexcept>

namespace drainpipe::nats {
namespace {

constexpr std::string_view kDefaultPort = "4222";

[[noreturn]] void reject_url(const std::string& what) {
    throw std::invalid_argument("the URL of NATS can't be used: " + what);
}

std::optional<unsigned char> byte_of(std::string_view hexadecimal) {
    unsigned char byte = 0;
    const char* const end = hexadecimal.data() + hexadecimal.size();
    const auto result = std::from_chars(hexadecimal.data(), end, byte, 16);
    if (hexadecimal.size() != 2 || result.ec != std::errc() || result.ptr != end) {
        return std::nullopt;
    }
    return byte;
}

std::string percent_decoded(std::string_view text, const char* name) {
    std::string decoded;
    decoded.reserve(text.size());
    while (!text.empty()) {
        if (text.front() != '%') {
            decoded += text.front();
            text.remove_prefix(1);
            continue;
        }
        const std::optional<unsigned char> byte = byte_of(text.substr(1, 2));
        if (!byte || *byte == 0) {
            reject_url(std::string("a % in the ") + name +
                       " has to be followed by two hexadecimal digits (%25 is the % itself)");
        }
        decoded += static_cast<char>(*byte);
        text.remove_prefix(3);
    }
    return decoded;
}

bool is_port(std::string_view text) {
    unsigned port = 0;
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, port);
    return result.ec == std::errc() && result.ptr == end && port >= 1 && port <= 65535;
}

// "nats://HOST:PORT" of HOST[:PORT].
std::string server_of(std::string_view text, std::string_view scheme) {
    std::size_t end_of_host = text.find(':');
    if (text.starts_with('[')) {
        end_of_host = text.find(']');
        if (end_of_host == std::string_view::npos) {
            reject_url("an IPv6 address lacks its ']'");
        }
        ++end_of_host;
    }
    const std::string_view host = text.substr(0, end_of_host);
    std::string_view port = text.substr(host.size());
    if (host.empty() || host == "[]") {
        reject_url("a server has no host; it is nats://HOST:PORT/...");
    }
    if (port.empty()) {
        port = kDefaultPort;
    } else {
        const bool has_colon = port.front() == ':';
        port.remove_prefix(1);
        if (!has_colon || !is_port(port)) {
            reject_url("a server's port is not a number from 1 to 65535");
        }
    }
    std::string server(scheme);
    server.append(host).append(":").append(port);
    return server;
}

void read_user(std::string_view text, NatsUrl& url) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        url.token = percent_decoded(text, "token");
        if (url.token.empty()) {
            reject_url("there is nothing before the '@'");
        }
        return;
    }
    url.user = percent_decoded(text.substr(0, colon), "user");
    url.password = percent_decoded(text.substr(colon + 1), "password");
    if (url.user.empty()) {
        reject_url("there is a password without a user");
    }
}

// Reads all but the path, and returns that.
std::string_view read_servers(std::string_view text, NatsUrl& url) {
    constexpr std::string_view kPlain = "nats://";
    constexpr std::string_view kTls = "tls://";
    url.is_tls = text.starts_with(kTls);
    if (!url.is_tls && !text.starts_with(kPlain)) {
        reject_url("it has to begin with nats:// or tls://");
    }
    const std::string_view scheme = url.is_tls ? kTls : kPlain;
    text.remove_prefix(scheme.size());

    const std::size_t slash = text.find('/');
    std::string_view authority = text.substr(0, slash);
    const std::string_view path =
        slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
    const std::size_t at = authority.rfind('@');
    if (at != std::string_view::npos) {
        read_user(authority.substr(0, at), url);
        authority.remove_prefix(at + 1);
    } else if (path.find('@') != std::string_view::npos) {
        reject_url("a '/' in a user, password or token is written %2F");
    }
    while (true) {
        const std::size_t comma = authority.find(',');
        url.servers.push_back(server_of(authority.substr(0, comma), scheme));
        if (comma == std::string_view::npos) {
            return path;
        }
        authority.remove_prefix(comma + 1);
    }
}

bool is_name(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == '.' || c == '*' || c == '>' ||
            c == '/' || c == '\\') {
            return false;
        }
    }
    return !text.empty();
}

void check_subject(std::string_view subject) {
    const std::string quoted = "'" + std::string(subject) + "'";
    for (std::size_t begin = 0; begin <= subject.size();) {
        const std::size_t end = std::min(subject.find('.', begin), subject.size());
        const std::string_view part = subject.substr(begin, end - begin);
        if (part.empty()) {
            reject_url("the subject " + quoted + " has an empty part");
        }
        if (part == "*" || part == ">") {
            reject_url("the subject " + quoted +
                       " has a wildcard; a sink publishes to one subject");
        }
        for (const char c : part) {
            if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) {
                reject_url("the subject has a space or a control character");
            }
        }
        begin = end + 1;
    }
}

}  // namespace

NatsUrl NatsUrl::of_source(std::string_view text) {
    NatsUrl url;
    const std::string_view path = read_servers(text, url);
    const std::size_t slash = path.find('/');
    if (slash != std::string_view::npos) {
        url.stream = path.substr(0, slash);
        url.consumer = path.substr(slash + 1);
    }
    if (!is_name(url.stream) || !is_name(url.consumer)) {
        reject_url(
            "a source is nats://HOST:PORT/STREAM/CONSUMER, two names without '.', '*', '>', "
            "'/', '\\' and spaces");
    }
    return url;
}

NatsUrl NatsUrl::of_sink(std::string_view text) {
    NatsUrl url;
    url.subject = percent_decoded(read_servers(text, url), "subject");
    if (url.subject.empty()) {
        reject_url("a sink is nats://HOST:PORT/SUBJECT");
    }
    check_subject(url.subject);
    return url;
}

std::string NatsUrl::described_servers() const {
    std::string all;
    for (const std::string& server : servers) {
        all += (all.empty() ? "" : ",") + server;
    }
    return all;
}

}  // namespace drainpipe::nats
