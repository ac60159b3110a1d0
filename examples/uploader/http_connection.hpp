#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// A connection to an HTTP/1.1 server on this host that is kept for many requests, for one thread.
// It is made when it is first needed, and anew after it has broken.
class HttpConnection {
  public:
    explicit HttpConnection(std::uint16_t port) : port_(port) {}
    HttpConnection(const HttpConnection&) = delete;
    HttpConnection& operator=(const HttpConnection&) = delete;
    ~HttpConnection() { close(); }

    // Posts the body and returns the answer's status, as 200. Throws std::runtime_error where there
    // is no answer: whether the server has done what was asked is unknown then.
    int post(std::string_view path, std::string_view idempotency_key, std::string_view body);

  private:
    void open();
    void close();
    void send(std::string_view bytes);
    int receive_answer();

    std::uint16_t port_;
    int fd_ = -1;
};
