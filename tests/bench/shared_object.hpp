#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <system_error>
#include <utility>

namespace drainpipe::bench {

// An object in memory that a process shares with those it forks, gone with the last of them.
// `extra_bytes` follow it.
template <typename T>
class SharedObject {
  public:
    explicit SharedObject(std::size_t extra_bytes = 0) : bytes_(sizeof(T) + extra_bytes) {
        void* const place = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (place == MAP_FAILED) {
            throw std::system_error(errno, std::generic_category(), "cannot map shared memory");
        }
        object_ = new (place) T;
    }
    ~SharedObject() { ::munmap(static_cast<void*>(object_), bytes_); }
    SharedObject(const SharedObject&) = delete;
    SharedObject& operator=(const SharedObject&) = delete;

    T& operator*() const { return *object_; }
    T* operator->() const { return object_; }
    char* extra() const { return reinterpret_cast<char*>(object_ + 1); }

  private:
    std::size_t bytes_;
    T* object_;
};

}  // namespace drainpipe::bench
