#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "failure.hpp"

namespace drainpipe {

// A program's command line. A flag beats the environment variable DRAINPIPE_FLAG, which beats the
// configuration file, which beats the default. Values arrive as text; their reader refuses what
// they are not. No value that was given is empty; a variable that is empty counts as not set.
class CommandLine {
  public:
    CommandLine(const std::string& program, const std::string& purpose);
    ~CommandLine();

    // Each takes the flag without its dashes. `value` holds the default and gets what was given.
    void add_option(const std::string& flag, std::string& value, const std::string& type,
                    const std::string& help);
    void add_switch(const std::string& flag, bool& value, const std::string& help);
    // One that neither the environment nor a configuration file may give.
    void add_command_switch(const std::string& flag, bool& value, const std::string& help);
    void add_hidden_option(const std::string& flag, std::string& value);
    void add_argument(const std::string& name, std::string& value, const std::string& help);
    // All arguments that are left.
    void add_arguments(const std::string& name, std::vector<std::string>& values,
                       const std::string& help);

    // --config FILE, with the same keys as the flags.
    void add_config_file();

    // The flags that every program of a pipeline has: --name, whose default `name` holds, and
    // --run-dir.
    void add_address(std::string& name, std::string& run_directory);

    // Reads the command line. An exit code means that it was handled (--help, --version). Throws
    // Failure(usage), and Failure(io) where it can't be said.
    std::optional<ExitCode> parse(int argc, char** argv);

    // Where the flag's value was given, to name in a refusal: "--consumers", "DRAINPIPE_CONSUMERS",
    // "drainpipe.conf:3: consumers"; "--consumers" where it is the default. Requires parse().
    std::string origin(const std::string& flag) const;

  private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

}  // namespace drainpipe
