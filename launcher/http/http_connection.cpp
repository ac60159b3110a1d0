#include "http_connection.hpp"

#include <ctime>
#include <exception>
#include <string_view>
#include <utility>

namespace drainpipe {
namespace {

namespace asio = boost::asio;

// What is thrown away of a client that sends on behind an answer that is the last.
constexpr std::size_t kMaxDiscarded = 256 * 1024;

std::string_view reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 400:
            return "Bad Request";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 413:
            return "Content Too Large";
        case 431:
            return "Request Header Fields Too Large";
        case 503:
            return "Service Unavailable";
        default:
            return "Internal Server Error";
    }
}

HttpAnswer error_answer(int status) {
    return {.status = status, .body = std::string(reason_of(status)) + "\n"};
}

std::string date() {
    const std::time_t now = std::time(nullptr);
    std::tm time{};
    std::array<char, 40> text{};
    ::gmtime_r(&now, &time);
    return {text.data(),
            std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &time)};
}

}  // namespace

HttpConnection::HttpConnection(Socket socket, const HttpHandler& handler, const HttpLimits& limits)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      handler_(handler),
      limits_(limits),
      reader_(limits.request_bytes) {}

template <typename Step>
auto HttpConnection::later(Step step) {
    return [self = shared_from_this(), step](const Error& error, std::size_t bytes = 0) {
        if (!self->is_open()) {
            return;
        }
        try {
            step(*self, error, bytes);
        } catch (const std::exception&) {  // no memory: this client's loss alone
            self->close();
        }
    };
}

void HttpConnection::start(std::function<void()> on_end) {
    on_end_ = std::move(on_end);
    timer_.expires_at(began_at_ + limits_.lifetime);
    timer_.async_wait(later([](HttpConnection& self, const Error&, std::size_t) { self.close(); }));
    read();
}

void HttpConnection::close() noexcept {
    if (!is_open()) {
        return;
    }
    Error ignored;
    timer_.cancel(ignored);
    socket_.close(ignored);
    on_end_();
}

void HttpConnection::read() {
    const auto room = reader_.room();
    socket_.async_read_some(asio::buffer(room.data(), room.size()),
                            later([](HttpConnection& self, const Error& error, std::size_t bytes) {
                                if (!error) {
                                    self.reader_.add(bytes);
                                    self.take_request();
                                } else if (error == asio::error::eof && self.reader_.has_begun()) {
                                    self.refuse(400);
                                } else {
                                    self.close();
                                }
                            }));
}

void HttpConnection::take_request() {
    HttpRequest request;
    switch (reader_.next(request)) {
        case HttpRequestReader::Found::nothing_yet:
            return read();
        case HttpRequestReader::Found::request:
            return answer(request);
        case HttpRequestReader::Found::malformed:
            return refuse(400);
        case HttpRequestReader::Found::too_large:
            return refuse(431);
    }
}

void HttpConnection::answer(const HttpRequest& request) {
    const bool is_head = request.method == HttpRequest::Method::head;
    // One that would be cut soon ends now, between two requests rather than within one.
    const bool is_last = !request.wants_keep_alive || request.has_body ||
                         ++requests_ >= limits_.requests ||
                         Clock::now() - began_at_ >= limits_.lifetime / 2;
    if (request.method == HttpRequest::Method::other) {
        return write(error_answer(405), false, request.is_http_1_1, is_last);
    }
    if (request.has_body) {
        return write(error_answer(413), is_head, request.is_http_1_1, true);
    }
    HttpAnswer found;
    try {
        found = handler_(request.path);
    } catch (const std::exception&) {
        found = error_answer(500);  // what went wrong is nothing for whoever is at the other end
    }
    write(found, is_head, request.is_http_1_1, is_last);
}

void HttpConnection::refuse(int status) { write(error_answer(status), false, true, true); }

void HttpConnection::write(const HttpAnswer& answer, bool is_head, bool is_1_1, bool is_last) {
    unsent_ = "HTTP/1.1 " + std::to_string(answer.status) + " ";
    unsent_ += reason_of(answer.status);
    unsent_ += "\r\nDate: " + date() + "\r\nContent-Type: " + answer.content_type +
               "\r\nContent-Length: " + std::to_string(answer.body.size()) +
               "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
    if (answer.status == 405) {
        unsent_ += "Allow: GET, HEAD\r\n";
    }
    if (is_last) {
        unsent_ += "Connection: close\r\n";
    } else if (!is_1_1) {
        unsent_ += "Connection: keep-alive\r\n";
    }
    unsent_ += "\r\n";
    if (!is_head) {
        unsent_ += answer.body;
    }
    asio::async_write(socket_, asio::buffer(unsent_),
                      later([is_last](HttpConnection& self, const Error& error, std::size_t) {
                          if (error) {
                              self.close();
                          } else if (is_last) {
                              Error ignored;
                              self.socket_.shutdown(Socket::shutdown_send, ignored);
                              self.linger();
                          } else {
                              self.waiting_since_ = Clock::now();
                              self.take_request();
                          }
                      }));
}

void HttpConnection::linger() {
    socket_.async_read_some(asio::buffer(discarded_),
                            later([](HttpConnection& self, const Error& error, std::size_t bytes) {
                                self.discarded_bytes_ += bytes;
                                if (error || self.discarded_bytes_ > kMaxDiscarded) {
                                    self.close();
                                } else {
                                    self.linger();
                                }
                            }));
}

}  // namespace drainpipe
