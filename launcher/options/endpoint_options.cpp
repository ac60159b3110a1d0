#include "endpoint_options.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "address.hpp"
#include "credentials.hpp"
#include "endpoint_variables.hpp"
#include "layout.hpp"

namespace drainpipe {
namespace {

constexpr const char* kForm = "is not SCHEME://HOST/PATH";

// What stands before "://", or empty.
std::string scheme_of(const std::string& url) {
    const std::size_t end = url.find("://");
    return end == url.npos ? "" : url.substr(0, end);
}

bool is_of_nats(const std::string& url) {
    return scheme_of(url) == "nats" || scheme_of(url) == "tls";
}

// It is part of the name of a program.
bool is_scheme(const std::string& scheme) {
    return !scheme.empty() && std::ranges::all_of(scheme, [](unsigned char character) {
        return std::islower(character) != 0 || std::isdigit(character) != 0;
    });
}

bool has_blank(const std::string& url) {
    return std::ranges::any_of(
        url, [](unsigned char character) { return character <= ' ' || character == 0x7f; });
}

void require_form(const CommandLine& line, const std::string& flag, const std::string& url) {
    const std::string scheme = scheme_of(url);
    if (!is_scheme(scheme)) {
        refuse_url(line, flag, url, kForm);
    }
    if (has_blank(url)) {
        refuse_url(line, flag, url, "has a blank or a control character");
    }
    // The last '@' of all is taken for the end of the password.
    if (credentials_of(url).find('/') != std::string_view::npos) {
        refuse_url(line, flag, url,
                   "has a '/' before an '@': write '/' in a password as %2F, and '@' elsewhere as "
                   "%40");
    }
    const std::string shown = without_credentials(url);
    const std::size_t host = scheme.size() + 3;
    const std::size_t slash = std::min(shown.find('/', host), shown.size());
    if (slash == host || slash + 1 >= shown.size()) {
        refuse_url(line, flag, url, kForm);
    }
    if (shown.size() >= sizeof(Settings::source_url)) {
        refuse_url(line, flag, url, "is too long");
    }
}

// The options for NATS, as they were written.
std::array<std::pair<std::string_view, const std::string*>, kEndpointOptions.size()> nats_options(
    const OptionTexts& texts) {
    return {{{kEndpointOptions[0], &texts.nats_ca},
             {kEndpointOptions[1], &texts.nats_cert},
             {kEndpointOptions[2], &texts.nats_key},
             {kEndpointOptions[3], &texts.nats_creds}}};
}

}  // namespace

Endpoint read_endpoint_options(const CommandLine& line, const OptionTexts& texts,
                               const std::string& flag, const std::string& url) {
    require_form(line, flag, url);
    Endpoint endpoint{.url = url, .options = {}};
    if (!is_of_nats(url)) {
        return endpoint;
    }
    for (const auto& [name, file] : nats_options(texts)) {
        if (!file->empty()) {
            endpoint.options.emplace_back(name, std::filesystem::absolute(*file).string());
        }
    }
    return endpoint;
}

std::filesystem::path program_of_scheme(const std::string& url, const std::string& role) {
    return own_directory() / ((is_of_nats(url) ? "nats" : scheme_of(url)) + "_" + role);
}

void require_engine_of_options(const CommandLine& line, const OptionTexts& texts) {
    const bool has_nats = is_of_nats(texts.source) || is_of_nats(texts.sink);
    for (const auto& [name, file] : nats_options(texts)) {
        const std::string flag(name);
        if (!file->empty() && !has_nats) {
            refuse(line, flag, *file,
                   "has no meaning without a --source or --sink of nats:// or tls://");
        }
        if (file->find('\n') != std::string::npos) {
            refuse(line, flag, *file, "has a newline");
        }
    }
    if (texts.nats_cert.empty() != texts.nats_key.empty()) {
        const bool has_key = texts.nats_cert.empty();
        refuse(line, has_key ? "nats-key" : "nats-cert", has_key ? texts.nats_key : texts.nats_cert,
               has_key ? "has no meaning without --nats-cert" : "needs --nats-key as well");
    }
}

}  // namespace drainpipe
