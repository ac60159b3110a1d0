#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace drainpipe {

// Any bytes as text: RFC 4648, section 4, with padding.
std::string base64_encoded(std::string_view bytes);

// Nothing where the text is no such encoding; what its last digit says of bytes that are not there
// is passed over.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace drainpipe
