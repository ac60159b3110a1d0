#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace drainpipe {

// The head of a request: nothing else of one is read.
struct HttpRequest {
    enum class Method { get, head, other };

    Method method = Method::other;
    std::string path;  // without the query, and without scheme and host
    bool has_body = false;
    bool is_http_1_1 = false;
    bool wants_keep_alive = false;
};

// Finds the requests in the bytes of a connection, one after the other.
class HttpRequestReader {
  public:
    enum class Found {
        nothing_yet,
        request,
        malformed,  // nothing that follows can be told apart either
        too_large   // likewise
    };

    // Request line and headers may have so many bytes.
    explicit HttpRequestReader(std::size_t max_bytes) : buffer_(max_bytes) {}

    // Where the next bytes go, and that they are there. Not empty after `nothing_yet`.
    std::span<char> room() { return std::span(buffer_).subspan(size_); }
    void add(std::size_t bytes) { size_ += bytes; }

    // Whether bytes are there that are no whole request.
    bool has_begun() const { return size_ > 0; }

    // Takes the next request away.
    Found next(HttpRequest& request);

  private:
    Found parse(HttpRequest& request, std::size_t head_size);

    std::vector<char> buffer_;
    std::size_t size_ = 0;
};

}  // namespace drainpipe
