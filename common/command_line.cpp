#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "failure.hpp"

namespace drainpipe {
namespace {

std::string environment_name(const std::string& flag) {
    std::string name = "DRAINPIPE_" + flag;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char character) {
        return character == '-' ? '_' : static_cast<char>(std::toupper(character));
    });
    return name;
}

}  // namespace

struct CommandLine::Parser {
    CLI::App app;
    std::vector<std::string> environment_flags;

    // The environment goes before the arguments, as flags, and the last of a flag wins.
    std::vector<std::string> all_arguments(int argc, char** argv) const {
        std::vector<std::string> arguments;
        for (const std::string& flag : environment_flags) {
            const char* const value = std::getenv(environment_name(flag).c_str());
            if (value && *value) {
                arguments.push_back("--" + flag + "=" + value);
            }
        }
        arguments.insert(arguments.end(), argv + 1, argv + argc);
        return arguments;
    }
};

CommandLine::CommandLine(const std::string& program, const std::string& purpose)
    : parser_(std::make_unique<Parser>()) {
    CLI::App& app = parser_->app;
    app.name(program);
    app.description(purpose);
    app.set_version_flag("--version", program + " " DRAINPIPE_VERSION);
    app.set_help_flag("--help", "Print this and exit");
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.get_formatter()->column_width(34);
}

CommandLine::~CommandLine() = default;

void CommandLine::add_option(const std::string& flag, std::string& value, const std::string& type,
                             const std::string& help) {
    parser_->app.add_option("--" + flag, value, help)->type_name(type)->capture_default_str();
    parser_->environment_flags.push_back(flag);
}

void CommandLine::add_switch(const std::string& flag, bool& value, const std::string& help) {
    parser_->app.add_flag("--" + flag, value, help);
    parser_->environment_flags.push_back(flag);
}

void CommandLine::add_hidden_option(const std::string& flag, std::string& value) {
    parser_->app.add_option("--" + flag, value)->group("");
}

void CommandLine::add_argument(const std::string& name, std::string& value,
                               const std::string& help) {
    parser_->app.add_option(name, value, help)
        ->type_name("")
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
}

void CommandLine::add_config_file() {
    parser_->app.set_config("--config", "", "Read options from FILE (lines of key = value)")
        ->type_name("FILE");
    parser_->app.allow_config_extras(CLI::config_extras_mode::error);
    parser_->environment_flags.push_back("config");
}

void CommandLine::add_address(std::string& name, std::string& run_folder) {
    name = "drainpipe";
    add_option("name", name, "NAME", "Which pipeline: 1 to 64 of A-Z a-z 0-9 . _ -");
    add_option("run-dir", run_folder, "DIR",
               "Folder of the lock and the socket [$XDG_RUNTIME_DIR/drainpipe, /run/drainpipe for "
               "root, else /tmp/drainpipe-UID]");
}

std::optional<ExitCode> CommandLine::parse(int argc, char** argv) {
    std::vector<std::string> arguments = parser_->all_arguments(argc, argv);
    std::reverse(arguments.begin(), arguments.end());
    try {
        parser_->app.parse(arguments);
    } catch (const CLI::CallForHelp&) {
        std::fputs(parser_->app.help().c_str(), stdout);
        return ExitCode::done;
    } catch (const CLI::CallForVersion& version) {
        std::puts(version.what());
        return ExitCode::done;
    } catch (const CLI::ParseError& error) {
        throw Failure(ExitCode::usage, std::string(error.what()) + " (--help tells more)");
    }
    return std::nullopt;
}

}  // namespace drainpipe
