#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>

#include "segment.hpp"

namespace drainpipe::test {

// A name that no other test process uses.
inline std::string scratch_name(const std::string& what) {
    return "dp-unit-" + std::to_string(::getpid()) + "-" + what;
}

// What a run with so many consumers is asked for.
inline Settings settings_for(std::uint32_t consumers, Dispatch dispatch = Dispatch::demand) {
    Settings settings{};
    settings.consumers = consumers;
    settings.log_events_per_second = -1;
    settings.socket_mode = 0600;
    settings.socket_group = -1;
    settings.dispatch = dispatch;
    settings.partition_by = 1;
    settings.partition_delimiter = -1;
    return settings;
}

// A segment of its own for a test, with a run begun on it; gone with the test.
class ScratchSegment {
  public:
    ScratchSegment(const std::string& what, std::uint64_t capacity, std::uint64_t buffer_bytes,
                   const Settings& settings = settings_for(1), std::uint64_t alignment = 1)
        : ScratchSegment(what, Geometry::of(capacity, buffer_bytes, alignment), settings) {}
    ScratchSegment(const std::string& what, const Geometry& geometry, const Settings& settings)
        : name_(scratch_name(what)), segment_(Segment::make(name_, geometry)) {
        segment_.begin_run(settings);
    }
    ~ScratchSegment() { Segment::remove(name_); }
    ScratchSegment(const ScratchSegment&) = delete;
    ScratchSegment& operator=(const ScratchSegment&) = delete;

    const std::string& name() const { return name_; }
    Segment& get() { return segment_; }
    Header& header() { return segment_.header(); }

  private:
    std::string name_;
    Segment segment_;
};

}  // namespace drainpipe::test
