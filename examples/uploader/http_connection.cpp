#include "http_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace {

void require(bool is_done, const char* what) {
    if (!is_done) {
        throw std::runtime_error(what);
    }
}

// As much of HTTP as the server of this example speaks: every answer has this header.
std::size_t body_size(const std::string& head) {
    static constexpr std::string_view kName = "\r\nContent-Length: ";
    const std::size_t found = head.find(kName);
    require(found != std::string::npos, "an answer without a length");
    return std::stoul(head.substr(found + kName.size()));
}

}  // namespace

int HttpConnection::post(std::string_view path, std::string_view idempotency_key,
                         std::string_view body) {
    std::string request = "POST " + std::string(path) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    request += "Idempotency-Key: " + std::string(idempotency_key) + "\r\n";
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    request += body;
    try {
        if (fd_ < 0) {
            open();
        }
        send(request);
        return receive_answer();
    } catch (...) {
        close();
        throw;
    }
}

void HttpConnection::open() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd_ >= 0, "no socket");
    const timeval limit{5, 0};  // for a server that hangs
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    const int at_once = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    require(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0,
            "no connection");
}

void HttpConnection::close() {
    if (fd_ >= 0) {
        ::close(fd_);
        fd_ = -1;
    }
}

void HttpConnection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        require(sent > 0, "the connection broke in a request");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

int HttpConnection::receive_answer() {
    std::string answer;
    std::size_t wanted = std::string::npos;  // bytes, as soon as that is known
    while (answer.size() < wanted) {
        std::array<char, 4096> block;
        const ssize_t received = ::recv(fd_, block.data(), block.size(), 0);
        require(received > 0, "the connection broke before the answer");
        answer.append(block.data(), static_cast<std::size_t>(received));
        const std::size_t head_end = answer.find("\r\n\r\n");
        if (wanted == std::string::npos && head_end != std::string::npos) {
            wanted = head_end + 4 + body_size(answer.substr(0, head_end));
        }
    }
    return std::stoi(answer.substr(answer.find(' ')));  // "HTTP/1.1 200 OK"
}
