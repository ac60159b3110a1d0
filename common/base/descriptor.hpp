#pragma once

#include <string_view>
#include <utility>

namespace drainpipe {

// Owns a file descriptor.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor() { reset(); }

    int get() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    void reset() noexcept;

  private:
    int fd_ = -1;
};

// Opens /dev/null in the place of each of the descriptors 0 to 2 that this process was started
// without, so that nothing else gets their numbers.
void fill_standard_descriptors();

struct Pipe {
    Descriptor read_end;
    Descriptor write_end;
};

// Both ends close at exec. Throws std::system_error.
Pipe make_pipe();

// An eventfd that does not block, at zero. Throws std::system_error.
Descriptor make_event_descriptor();

// Writes a line for a person, or drops it where that would wait for the reader.
void write_if_ready(int fd, std::string_view line) noexcept;

// Writes all of it, waiting where the descriptor does not block. Returns how many bytes went out;
// fewer than all means an error, in errno.
std::size_t write_all(int fd, std::string_view bytes) noexcept;

}  // namespace drainpipe
