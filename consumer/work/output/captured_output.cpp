#include "captured_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>
#include <vector>

#include "failure.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kPartBytes = 256 * 1024;
constexpr std::size_t kKeptBytes = 64 * 1024;  // of memory, for the next output

Descriptor open_temporary_file() {
    const char* const directory = std::getenv("TMPDIR");
    const std::string place = directory != nullptr && *directory != '\0' ? directory : "/tmp";
    Descriptor file(::open(place.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file.is_open()) {
        std::string path = place + "/drainpipe-XXXXXX";
        file = Descriptor(::mkostemp(path.data(), O_CLOEXEC));
        if (!file.is_open()) {
            throw_errno("cannot make a temporary file in " + place);
        }
        ::unlink(path.c_str());
    }
    return file;
}

}  // namespace

void CapturedOutput::add(std::string_view bytes) {
    if (in_file_ == 0 && memory_.size() + bytes.size() <= kInMemory) {
        memory_.append(bytes);
        return;
    }
    write_to_file(bytes);
}

void CapturedOutput::write_to_file(std::string_view bytes) {
    if (!file_.is_open()) {
        file_ = open_temporary_file();
    }
    while (!bytes.empty()) {
        const ssize_t count = ::pwrite(file_.get(), bytes.data(), bytes.size(), in_file_);
        if (count < 0) {
            throw_errno("cannot write a temporary file");
        }
        in_file_ += count;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void CapturedOutput::write_to(Output& output) {
    if (in_file_ == 0) {
        if (!memory_.empty()) {
            output.write_whole(memory_);
        }
        return;
    }
    std::vector<char> part(kPartBytes);
    off_t at = -1;  // in the file, once memory is out
    output.write_whole([&]() -> std::string_view {
        if (at < 0) {
            at = 0;
            return memory_;
        }
        const ssize_t count = ::pread(file_.get(), part.data(), part.size(), at);
        if (count < 0) {
            throw_errno("cannot read a temporary file");
        }
        at += count;
        return {part.data(), static_cast<std::size_t>(count)};
    });
}

std::string CapturedOutput::take_text() {
    const std::size_t in_memory = memory_.size();
    std::string text = std::exchange(memory_, {});
    text.resize(in_memory + static_cast<std::size_t>(in_file_));
    off_t at = 0;
    while (at < in_file_) {
        const std::size_t had = in_memory + static_cast<std::size_t>(at);
        const ssize_t count = ::pread(file_.get(), text.data() + had, text.size() - had, at);
        if (count < 0 && errno != EINTR) {
            throw_errno("cannot read a temporary file");
        }
        at += std::max<ssize_t>(0, count);
    }
    clear();
    return text;
}

void CapturedOutput::clear() {
    file_.reset();
    in_file_ = 0;
    if (memory_.capacity() > kKeptBytes) {
        memory_ = {};
    }
    memory_.clear();
}

}  // namespace drainpipe
