#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "descriptor.hpp"
#include "http_answer.hpp"

namespace drainpipe {

// What a client may take.
struct HttpLimits {
    std::size_t request_bytes = 8 * 1024;      // of request line and headers
    std::size_t connections = 64;              // open at a time
    std::size_t requests = 100;                // on one connection
    std::chrono::milliseconds lifetime{5000};  // of a connection, whatever it does
    // What a connection has for its request even while others want its place.
    std::chrono::milliseconds patience{100};
};

// Serves HTTP/1.0 and 1.1, GET and HEAD alone, in one thread. What is wrong with a request is
// answered with 400, 405, 413 or 431; a handler that throws, with 500. Answers are not to be cached
// by anybody, and don't tell who serves.
//
// When all places are taken, whoever has waited longest for its request, or with its answer unread,
// makes room for the next one: a client that sends its request at once is served within a second or
// two amid any number that don't.
class HttpServer {
  public:
    // Serves what connects to that listening socket.
    HttpServer(Descriptor listening, HttpHandler handler, HttpLimits limits = {});
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // Until the descriptor is readable (a signal's, an event's); connections that are open then are
    // cut. To be called once. Throws std::system_error where the process can't have what it takes
    // to wait; nothing that a client does makes it throw.
    void run(int stop_fd);

  private:
    class Loop;

    std::unique_ptr<Loop> loop_;
};

}  // namespace drainpipe
