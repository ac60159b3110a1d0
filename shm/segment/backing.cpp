#include "backing.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace drainpipe {

Backing Backing::without_name() {
    const int nameless = ::memfd_create("drainpipe", MFD_CLOEXEC);
    if (nameless < 0) {
        throw std::system_error(errno, std::generic_category(), "cannot create a private segment");
    }
    return Backing(nameless);
}

Backing& Backing::operator=(Backing&& other) noexcept {
    object_.swap(other.object_);
    std::swap(nameless_, other.nameless_);
    return *this;
}

Backing::~Backing() {
    if (nameless_ >= 0) {
        ::close(nameless_);
    }
}

}  // namespace drainpipe
