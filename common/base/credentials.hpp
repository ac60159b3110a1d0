#pragma once

#include <string>
#include <string_view>

namespace drainpipe {

// User and password in a server's URL, "nats://USER:PASSWORD@HOST/...". They are taken to end at
// the last '@' of all: a password that should have been escaped is not shown in part either.

// They, with the '@' that follows: a part of the URL, empty where it has none.
std::string_view credentials_of(std::string_view url);

std::string without_credentials(std::string_view url);

// The same of a text that may have a URL in it; as it is where there is none.
std::string with_hidden_credentials(std::string_view text);

// Overwrites them with '*' where they stand. Null is passed over.
void mask_credentials(char* url);

}  // namespace drainpipe
