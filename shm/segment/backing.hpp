#pragma once

#include <boost/interprocess/shared_memory_object.hpp>
#include <utility>

namespace drainpipe {

// What a segment is mapped from: an object of /dev/shm, or memory without a name.
class Backing {
  public:
    explicit Backing(boost::interprocess::shared_memory_object object)
        : object_(std::move(object)) {}
    // Throws std::system_error.
    static Backing without_name();

    Backing(Backing&& other) noexcept
        : object_(std::move(other.object_)), nameless_(std::exchange(other.nameless_, -1)) {}
    Backing& operator=(Backing&& other) noexcept;
    ~Backing();

    int descriptor() const { return get_mapping_handle().handle; }
    // What Boost's mapped_region calls.
    boost::interprocess::mapping_handle_t get_mapping_handle() const {
        return nameless_ < 0 ? object_.get_mapping_handle()
                             : boost::interprocess::mapping_handle_t{nameless_, false};
    }

  private:
    explicit Backing(int nameless) : nameless_(nameless) {}

    boost::interprocess::shared_memory_object object_;
    int nameless_ = -1;  // its descriptor
};

}  // namespace drainpipe
