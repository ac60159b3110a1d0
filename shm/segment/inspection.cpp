#include "inspection.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "layout.hpp"

namespace drainpipe {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
    throw SegmentRefused(path + " " + reason);
}

using HeaderBytes = std::array<char, kHeaderBytes>;

// Reads up to the header's size; what the file does not have stays zero.
HeaderBytes read_header(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        throw std::system_error(errno, std::generic_category(), "cannot open " + path);
    }
    HeaderBytes bytes{};
    const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), 0);
    const int error = errno;
    ::close(fd);
    if (got < 0) {
        throw std::system_error(error, std::generic_category(), "cannot read " + path);
    }
    return bytes;
}

template <typename T>
T field(const HeaderBytes& bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

// Whether there is nothing in the file: no bytes, or zeros to its end.
bool is_blank(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, 64 * 1024> block;
    while (file) {
        file.read(block.data(), block.size());
        const auto end = block.begin() + file.gcount();
        if (std::any_of(block.begin(), end, [](char byte) { return byte != 0; })) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::string segment_path(const std::string& name) { return "/dev/shm/" + name; }

Standing inspect_segment(const std::string& name) {
    const std::string path = segment_path(name);
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) {
            return Standing::absent;
        }
        throw std::system_error(errno, std::generic_category(), "cannot look at " + path);
    }
    if (!S_ISREG(info.st_mode)) {
        refuse(path, "is not a regular file");
    }
    if (info.st_uid != ::geteuid()) {
        refuse(path, "belongs to another user (uid " + std::to_string(info.st_uid) + ")");
    }

    const HeaderBytes bytes = read_header(path);
    const bool has_magic = std::equal(kMagic.begin(), kMagic.end(), bytes.begin());
    const auto version = field<std::uint32_t>(bytes, offsetof(Header, version));
    if (version == 0 && (has_magic || is_blank(path))) {
        return Standing::half_made;
    }
    if (!has_magic) {
        refuse(path, "is not a drainpipe segment");
    }
    if (version != kLayoutVersion) {
        throw SegmentUnusable(path + " has layout version " + std::to_string(version) +
                              ", this program has " + std::to_string(kLayoutVersion));
    }
    const auto geometry = field<Geometry>(bytes, offsetof(Header, geometry));
    if (!geometry.is_sound() ||
        field<std::uint32_t>(bytes, offsetof(Header, header_bytes)) != kHeaderBytes ||
        static_cast<std::uint64_t>(info.st_size) != geometry.segment_bytes()) {
        throw SegmentUnusable(path + " has a damaged header");
    }
    return Standing::ready;
}

}  // namespace drainpipe
