#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "asio.hpp"
#include "http_answer.hpp"
#include "http_request_reader.hpp"
#include "http_server.hpp"

namespace drainpipe {

// One client: reads a request, answers it, and so on until one of the two wants no more, or its
// time is over. A request is read only when all before it are answered, so that nothing is kept for
// those that a client sends ahead.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
  public:
    using Clock = std::chrono::steady_clock;
    using Socket = boost::asio::generic::stream_protocol::socket;

    // Handler and limits have to outlive it.
    HttpConnection(Socket socket, const HttpHandler& handler, const HttpLimits& limits);

    // Calls `on_end` once, when it is closed; not where it just ceases to be.
    void start(std::function<void()> on_end);

    // Cuts it.
    void close() noexcept;
    bool is_open() const { return socket_.is_open(); }

    // Since when it has had nothing of its own done: no request complete, or an answer not read.
    Clock::time_point waiting_since() const { return waiting_since_; }

  private:
    using Error = boost::system::error_code;

    // Makes what is called later: with this alive until then, and no way out for an exception.
    template <typename Step>
    auto later(Step step);

    void take_request();
    void read();
    void answer(const HttpRequest& request);
    // Answers what can't be read on after.
    void refuse(int status);
    void write(const HttpAnswer& answer, bool is_head, bool is_1_1, bool is_last);
    // Closes so that the client can still read: what it sends on is thrown away, not answered by a
    // reset that would take the answer away with it.
    void linger();

    Socket socket_;
    boost::asio::steady_timer timer_;
    const HttpHandler& handler_;
    const HttpLimits& limits_;
    std::function<void()> on_end_;
    HttpRequestReader reader_;
    std::string unsent_;
    std::array<char, 4096> discarded_;
    std::size_t discarded_bytes_ = 0;
    std::size_t requests_ = 0;
    Clock::time_point began_at_ = Clock::now();
    Clock::time_point waiting_since_ = began_at_;
};

}  // namespace drainpipe
