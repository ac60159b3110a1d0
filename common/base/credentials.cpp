#include "credentials.hpp"

#include <algorithm>
#include <cstddef>

namespace drainpipe {
namespace {

constexpr std::string_view kAfterScheme = "://";

}  // namespace

std::string_view credentials_of(std::string_view url) {
    const std::size_t scheme_end = url.find(kAfterScheme);
    const std::size_t begin = scheme_end == url.npos ? 0 : scheme_end + kAfterScheme.size();
    const std::size_t last = url.rfind('@');
    return last == url.npos || last < begin ? url.substr(begin, 0)
                                            : url.substr(begin, last + 1 - begin);
}

std::string without_credentials(std::string_view url) {
    const std::string_view hidden = credentials_of(url);
    return std::string(url).erase(static_cast<std::size_t>(hidden.data() - url.data()),
                                  hidden.size());
}

std::string with_hidden_credentials(std::string_view text) {
    return text.find(kAfterScheme) == text.npos ? std::string(text) : without_credentials(text);
}

void mask_credentials(char* url) {
    if (url == nullptr) {
        return;
    }
    const std::string_view text = url;
    const std::string_view hidden = credentials_of(text);
    if (!hidden.empty()) {
        std::fill_n(url + (hidden.data() - text.data()), hidden.size() - 1, '*');
    }
}

}  // namespace drainpipe
