#include "endpoint_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "failure.hpp"

namespace drainpipe {
namespace {

constexpr std::string_view kUrl = "url=";

Failure no_endpoint() {
    return {ExitCode::usage,
            "standard input has no endpoint: this program is started by the launcher, with "
            "--source or --sink"};
}

// Only what write_endpoint() has made is read: another input could be endless.
std::string read_all(int fd) {
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_WRITE) == 0) {
        throw no_endpoint();
    }
    std::string text;
    std::array<char, 4096> part;
    while (true) {
        const ssize_t count =
            ::pread(fd, part.data(), part.size(), static_cast<off_t>(text.size()));
        if (count < 0 && errno != EINTR) {
            throw_errno("cannot read the endpoint");
        }
        if (count == 0) {
            return text;
        }
        text.append(part.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    }
}

}  // namespace

Descriptor write_endpoint(const Endpoint& endpoint) {
    Descriptor file(::memfd_create("drainpipe-endpoint", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file.is_open()) {
        throw_errno("cannot make a file in memory");
    }
    std::string text = std::string(kUrl) + endpoint.url + "\n";
    for (const auto& [key, value] : endpoint.options) {
        text.append(key).append(1, '=').append(value).append(1, '\n');
    }
    constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (write_all(file.get(), text) < text.size() ||
        ::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) {
        throw_errno("cannot write a file in memory");
    }
    return file;
}

Endpoint read_endpoint(int fd) {
    const std::string text = read_all(fd);
    std::string_view left = text;
    if (!left.starts_with(kUrl)) {
        throw no_endpoint();
    }
    Endpoint endpoint;
    while (!left.empty()) {
        const std::string_view line = left.substr(0, left.find('\n'));
        left.remove_prefix(std::min(line.size() + 1, left.size()));
        const std::size_t equals = std::min(line.find('='), line.size());
        const std::string_view value = line.substr(std::min(equals + 1, line.size()));
        if (endpoint.url.empty()) {
            endpoint.url = value;
        } else {
            endpoint.options.emplace_back(line.substr(0, equals), value);
        }
    }
    return endpoint;
}

}  // namespace drainpipe
