#pragma once

#include <filesystem>

#include "console.hpp"
#include "descriptor.hpp"
#include "options.hpp"
#include "places.hpp"

namespace drainpipe {

// The run folder. One that was made and not kept is gone with it, unless others use it by now.
class RunFolder {
  public:
    explicit RunFolder(const Address& address);
    ~RunFolder();
    RunFolder(const RunFolder&) = delete;
    RunFolder& operator=(const RunFolder&) = delete;

    void keep() { is_to_go_ = false; }

  private:
    std::filesystem::path path_;
    bool is_to_go_;
};

// The launcher's place, and with it the pipeline's name, as long as it lives.
class NameClaim {
  public:
    // Takes the place, and waits for stages that a dead launcher left behind. Throws
    // Failure(taken) where another launcher has it, or where those stages don't leave in time or a
    // signal ends the waiting; Failure(cannot_create) where something that is no socket stands at
    // the socket's path.
    NameClaim(const Options& options, const Descriptor& signals, Console& console);

    // Removes the lock file and a stale socket if no stage needs them; and the run folder if it was
    // made for a start that came to nothing.
    ~NameClaim();
    NameClaim(const NameClaim&) = delete;
    NameClaim& operator=(const NameClaim&) = delete;

    Places& places() { return places_; }

    // Until then no stage can join: it would find a segment that is being made.
    void open_to_stages();

    // Whether a stage of this name runs.
    bool is_used() const { return places_.stage_holder().has_value(); }

  private:
    void await_left_behind(const Options& options, const Descriptor& signals,
                           Console& console) const;
    void release() const;

    RunFolder run_folder_;
    Places places_;
    std::filesystem::path socket_;
};

}  // namespace drainpipe
