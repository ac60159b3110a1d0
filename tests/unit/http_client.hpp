#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "descriptor.hpp"

namespace drainpipe::test {

// The other end of a connection to a server under test. Nothing waits for longer than ten seconds.
class HttpClient {
  public:
    explicit HttpClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connect(&address, sizeof address);
    }
    explicit HttpClient(const std::filesystem::path& path)
        : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        connect(&address, sizeof address);
    }

    bool is_connected() const { return is_connected_; }

    // Whether all of it went out.
    bool send(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t count = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    void send_no_more() const { ::shutdown(socket_.get(), SHUT_WR); }
    void hang_up() { socket_.reset(); }
    // Hangs up with a reset in the place of an end.
    void reset() {
        const linger none{1, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
        hang_up();
    }

    // What comes next, but no more than so many bytes; nothing at the end or when nothing comes.
    std::string read(std::size_t most = 64 * 1024, int milliseconds = kLimit) const {
        pollfd readable{socket_.get(), POLLIN, 0};
        std::string text(most, '\0');
        const ssize_t count = ::poll(&readable, 1, milliseconds) == 1
                                  ? ::recv(socket_.get(), text.data(), text.size(), 0)
                                  : -1;
        text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return text;
    }
    // All that comes before the end, or the reset.
    std::string read_all() const {
        std::string all;
        for (std::string more = read(); !more.empty(); more = read()) all += more;
        return all;
    }
    // Until it has come.
    std::string read_until(std::string_view wanted) const {
        std::string all;
        while (all.find(wanted) == std::string::npos) {
            const std::string more = read();
            if (more.empty()) break;
            all += more;
        }
        return all;
    }
    // Whether the other end has closed, or does within the limit; what comes before that is
    // dropped.
    bool is_cut() const {
        std::array<char, 4096> dropped;
        while (true) {
            pollfd readable{socket_.get(), POLLIN, 0};
            if (::poll(&readable, 1, kLimit) != 1) return false;
            if (::recv(socket_.get(), dropped.data(), dropped.size(), 0) <= 0) return true;
        }
    }

  private:
    static constexpr int kLimit = 10'000;

    void connect(const void* address, socklen_t size) {
        is_connected_ = ::connect(socket_.get(), static_cast<const sockaddr*>(address), size) == 0;
    }

    Descriptor socket_;
    bool is_connected_ = false;
};

}  // namespace drainpipe::test
