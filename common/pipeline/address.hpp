#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace drainpipe {

// Where a pipeline is found: its name, and the directory with its lock and its socket.
class Address {
  public:
    static constexpr const char* kDefaultName = "drainpipe";

    // An empty run directory means the default one. Throws Failure(usage) for a name that is none;
    // it names where the text came from (CommandLine::origin).
    Address(const std::string& name, const std::string& run_directory,
            const std::string& name_origin = "--name",
            const std::string& run_directory_origin = "--run-dir");

    const std::string& name() const { return name_; }
    const std::filesystem::path& run_directory() const { return run_directory_; }
    // "pipeline 'NAME' in FOLDER"
    std::string describe() const {
        return "pipeline '" + name_ + "' in " + run_directory_.string();
    }
    // "name=NAME ", which tells this pipeline's records from those of others in one log; nothing
    // for the default name.
    std::string log_label() const;
    // Throws Failure(unavailable) that says that no pipeline runs there.
    [[noreturn]] void fail_not_running() const;
    std::filesystem::path lock_path() const { return run_directory_ / (name_ + ".lock"); }
    std::filesystem::path socket_path() const { return run_directory_ / (name_ + ".sock"); }
    std::filesystem::path control_path() const { return run_directory_ / (name_ + ".ctl"); }

    // Where a pipeline of this name may be that was started without a run directory of its own: in
    // any of the default ones, this one first, or as a service of the system, in
    // /run/drainpipe/NAME. Only this one where it was named.
    std::vector<Address> candidates() const;

    // Makes the run directory, 0700, or 0750 of that group where one is given, if it is not there;
    // whether it did. One that others may already go through is given to no group: it is opened
    // enough, and may be that of other pipelines as well. Throws Failure(cannot_create) if it is no
    // directory or another user's.
    bool prepare_run_directory(std::optional<gid_t> group) const;

  private:
    std::string name_;
    std::filesystem::path run_directory_;
    bool is_default_;  // the run directory was not named
};

// The directory of the running program's own executable, links resolved.
std::filesystem::path own_directory();

}  // namespace drainpipe
