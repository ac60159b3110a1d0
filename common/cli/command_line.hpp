#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "failure.hpp"

namespace CLI {
class App;
}

namespace drainpipe {

// A program's command line. A flag beats the environment variable DRAINPIPE_FLAG, which beats the
// configuration file, which beats the default. Values arrive as text; their reader refuses what
// they are not. No value that was given is empty; a variable that is empty counts as not set.
//
// --describe, which --help does not show, prints what --help says as a table with tabs between the
// columns; manual pages and completions are made of it:
//     program   NAME     PURPOSE
//     option    COMMAND  FLAGS    TYPE  DEFAULT  HELP    COMMAND is empty for the program's own
//     argument  COMMAND  NAME     HELP
//     command   NAME     HELP
//     takes     COMMAND  FLAG                            one of the program's own
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

    // What follows the name of a command on the line: flags and arguments of its own, that neither
    // the environment nor a configuration file may give.
    class Command {
      public:
        Command& add_switch(const std::string& flag, bool& value, const std::string& help);
        // `flag` as the parser has it: "-o,--output".
        Command& add_option(const std::string& flag, std::string& value, const std::string& type,
                            const std::string& help);
        Command& add_argument(const std::string& name, std::string& value, const std::string& help);
        // All arguments that are left.
        Command& add_arguments(const std::string& name, std::vector<std::string>& values,
                               const std::string& help);

      private:
        friend class CommandLine;
        explicit Command(CLI::App& parser) : parser_(parser) {}
        CLI::App& parser_;
    };

    // A command, `launcher status`. Of the program's own flags, before its name or after it, it
    // takes these and --config; any other one on the line is refused.
    Command add_command(const std::string& name, const std::string& help,
                        std::vector<std::string> flags);
    // One that a program uses on its own: --help does not show it.
    Command add_hidden_command(const std::string& name, std::vector<std::string> flags);
    // All flags of the program so far, for a command that takes them all.
    std::vector<std::string> flags() const;
    // The command that was given, if any. Requires parse().
    std::string command() const;

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

    // All flags that environment and configuration file may give too, in the order in which they
    // were added, and where each was given: nothing where it has its default. Requires parse().
    struct Setting {
        std::string flag;
        std::string value;
        std::optional<std::string> origin;
    };
    std::vector<Setting> settings() const;

  private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

}  // namespace drainpipe
