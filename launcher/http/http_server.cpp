#include "http_server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <utility>
#include <vector>

#include "asio.hpp"
#include "http_connection.hpp"

namespace drainpipe {
namespace {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using Error = boost::system::error_code;
using Clock = HttpConnection::Clock;

// Until there may be descriptors or memory again.
constexpr std::chrono::milliseconds kUntilNextTry{100};

int family_of(int socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    return address.ss_family;
}

}  // namespace

class HttpServer::Loop {
  public:
    Loop(Descriptor listening, HttpHandler handler, HttpLimits limits)
        : listening_(std::move(listening)), handler_(std::move(handler)), limits_(limits) {}
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run(int stop_fd);

  private:
    // Each leads to the next one: whatever fails, there is a next one.
    void accept_when_asked();
    void accept_after(Clock::duration time);
    void accept();

    void serve(HttpConnection::Socket socket);
    bool is_full() const { return connections_.size() >= limits_.connections; }
    // Requires that there is one.
    std::shared_ptr<HttpConnection> longest_waiting() const;

    Descriptor listening_;
    HttpHandler handler_;
    HttpLimits limits_;
    asio::io_context context_{1};
    std::vector<std::shared_ptr<HttpConnection>> connections_;  // those that are open
    asio::basic_socket_acceptor<stream_protocol> acceptor_{context_};
    asio::steady_timer pause_{context_};
    asio::posix::stream_descriptor stop_{context_};
};

HttpServer::Loop::~Loop() {
    Error ignored;
    acceptor_.release(ignored);  // it is for `listening_` to close
    if (stop_.is_open()) {
        stop_.release();  // and this one for the caller
    }
}

void HttpServer::Loop::run(int stop_fd) {
    acceptor_.assign(stream_protocol(family_of(listening_.get()), 0), listening_.get());
    acceptor_.non_blocking(true);
    stop_.assign(stop_fd);
    stop_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [this](const Error&) { context_.stop(); });
    accept_when_asked();
    context_.run();
}

void HttpServer::Loop::accept_when_asked() {
    acceptor_.async_wait(asio::socket_base::wait_read, [this](const Error& error) {
        if (error) {
            accept_after(kUntilNextTry);
        } else {
            accept();
        }
    });
}

void HttpServer::Loop::accept_after(Clock::duration time) {
    pause_.expires_after(time);
    pause_.async_wait([this](const Error&) { accept(); });
}

void HttpServer::Loop::accept() {
    if (is_full()) {
        const auto waited = Clock::now() - longest_waiting()->waiting_since();
        if (waited < limits_.patience) {
            return accept_after(limits_.patience - waited);
        }
    }
    Error error;
    HttpConnection::Socket socket(context_);
    acceptor_.accept(socket, error);
    if (error && error != asio::error::would_block) {
        return accept_after(kUntilNextTry);  // no descriptor, no memory
    }
    accept_when_asked();
    if (!error) {
        serve(std::move(socket));
    }
}

void HttpServer::Loop::serve(HttpConnection::Socket socket) {
    if (is_full()) {
        longest_waiting()->close();
    }
    try {
        auto connection = std::make_shared<HttpConnection>(std::move(socket), handler_, limits_);
        connections_.push_back(connection);
        connection->start([this, ended = connection.get()] {
            std::erase_if(connections_, [ended](const auto& each) { return each.get() == ended; });
        });
    } catch (const std::exception&) {  // no memory: this client's loss alone
    }
}

std::shared_ptr<HttpConnection> HttpServer::Loop::longest_waiting() const {
    return *std::ranges::min_element(
        connections_, {}, [](const auto& connection) { return connection->waiting_since(); });
}

HttpServer::HttpServer(Descriptor listening, HttpHandler handler, HttpLimits limits)
    : loop_(std::make_unique<Loop>(std::move(listening), std::move(handler), limits)) {}

HttpServer::~HttpServer() = default;

void HttpServer::run(int stop_fd) { loop_->run(stop_fd); }

}  // namespace drainpipe
