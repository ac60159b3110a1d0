#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace drainpipe {

// What a request is answered with.
struct HttpAnswer {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body{};
};

// Answers GET for a path, which has no query. A HEAD is asked for in the same way.
using HttpHandler = std::function<HttpAnswer(std::string_view path)>;

}  // namespace drainpipe
