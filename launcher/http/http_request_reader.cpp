#include "http_request_reader.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "asio.hpp"
// After Asio.
#include <boost/beast/http/basic_parser.hpp>

namespace drainpipe {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kEndOfHead = "\r\n\r\n";

// What is no text of a head shows at once that the client speaks another protocol, which may never
// send the end of one.
bool is_foreign(std::string_view text) {
    char before = '\0';
    return std::ranges::any_of(text, [&before](char each) {
        const bool is_alone = each == '\n' && before != '\r';
        before = each;
        const auto byte = static_cast<unsigned char>(each);
        return is_alone || byte == 0x7f ||
               (byte < 0x20 && byte != '\r' && byte != '\n' && byte != '\t');
    });
}

// "/metrics" of "/metrics?a=b" and of "http://host:1/metrics".
std::string path_of_target(std::string_view target) {
    constexpr std::string_view kBeforeHost = "://";
    target = target.substr(0, target.find_first_of("?#"));
    const std::size_t scheme =
        target.starts_with('/') ? std::string_view::npos : target.find(kBeforeHost);
    if (scheme != std::string_view::npos) {
        target.remove_prefix(scheme + kBeforeHost.size());
        target.remove_prefix(std::min(target.size(), target.find('/')));
        return target.empty() ? "/" : std::string(target);
    }
    return std::string(target);
}

HttpRequest::Method method_of(http::verb verb) {
    switch (verb) {
        case http::verb::get:
            return HttpRequest::Method::get;
        case http::verb::head:
            return HttpRequest::Method::head;
        default:
            return HttpRequest::Method::other;
    }
}

// Keeps of a head what is asked for, and no fields: Beast's own container for them costs seconds of
// every build.
class HeadParser : public http::basic_parser<true> {
  public:
    explicit HeadParser(HttpRequest& request) : request_(request) {}

  private:
    using Text = boost::beast::string_view;
    using Error = boost::beast::error_code;

    void on_request_impl(http::verb verb, Text, Text target, int version, Error&) override {
        request_.method = method_of(verb);
        request_.path = path_of_target({target.data(), target.size()});
        request_.is_http_1_1 = version == 11;
    }
    void on_response_impl(int, Text, int, Error&) override {}
    void on_field_impl(http::field, Text, Text, Error&) override {}
    void on_header_impl(Error&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
    std::size_t on_body_impl(Text text, Error&) override { return text.size(); }
    void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, Text text, Error&) override {
        return text.size();
    }
    void on_finish_impl(Error&) override {}

    HttpRequest& request_;
};

}  // namespace

HttpRequestReader::Found HttpRequestReader::next(HttpRequest& request) {
    const std::string_view text(buffer_.data(), size_);
    const std::size_t end = text.find(kEndOfHead);
    if (is_foreign(text.substr(0, end))) {
        return Found::malformed;
    }
    if (end == std::string_view::npos) {
        return size_ < buffer_.size() ? Found::nothing_yet : Found::too_large;
    }
    return parse(request, end + kEndOfHead.size());
}

HttpRequestReader::Found HttpRequestReader::parse(HttpRequest& request, std::size_t head_size) {
    request = {};
    HeadParser parser(request);
    parser.header_limit(static_cast<std::uint32_t>(buffer_.size()));
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // refused whatever its size
    boost::beast::error_code error;
    parser.put(boost::asio::buffer(buffer_.data(), head_size), error);
    if (error || !parser.is_header_done()) {
        return Found::malformed;
    }
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(head_size),
              buffer_.begin() + static_cast<std::ptrdiff_t>(size_), buffer_.begin());
    size_ -= head_size;

    request.has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
    request.wants_keep_alive = parser.keep_alive();
    return Found::request;
}

}  // namespace drainpipe
