#include "terminal.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <utility>

namespace harness {

Terminal::Terminal() : end_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)) {
    REQUIRE(end_ >= 0);
    REQUIRE(::grantpt(end_) == 0);
    REQUIRE(::unlockpt(end_) == 0);
}

std::filesystem::path Terminal::path() const { return ::ptsname(end_); }

const std::string& Terminal::shown() {
    char block[4096];
    ssize_t size = 0;
    while ((size = ::read(end_, block, sizeof block)) > 0) {
        shown_.append(block, static_cast<std::size_t>(size));
    }
    return shown_;
}

void Terminal::type(std::string_view keys) const {
    REQUIRE(::write(end_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
}

void Terminal::hang_up() {
    if (end_ >= 0) ::close(std::exchange(end_, -1));
}

}  // namespace harness
