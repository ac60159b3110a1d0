#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <vector>

#include "answer.hpp"
#include "config_file.hpp"
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

[[noreturn]] void refuse_empty(const std::string& option) {
    throw Failure(ExitCode::usage, option + ": '' is not a value");
}

}  // namespace

struct CommandLine::Parser {
    CLI::App app;
    std::vector<std::string> keys;  // flags that environment and configuration file may give too
    std::string config_file;

    // The last of a flag wins.
    void read(std::vector<std::string> arguments) {
        std::reverse(arguments.begin(), arguments.end());
        app.parse(arguments);
        for (const CLI::Option* option : app.get_options()) {
            if (option->count() > 0 && option->results().back().empty()) {
                refuse_empty(option->get_name());
            }
        }
    }

    // The parser would take the next argument for the value of `--flag=`.
    void refuse_missing_values(const std::vector<std::string>& arguments) const {
        for (const std::string& argument : arguments) {
            const std::string flag = argument.substr(0, argument.find('='));
            if (argument == flag + "=" && app.get_option_no_throw(flag) != nullptr) {
                refuse_empty(flag);
            }
        }
    }

    std::vector<std::string> from_config_file() const {
        std::vector<std::string> arguments;
        for (const auto& [key, value] : read_config_file(config_file, keys)) {
            arguments.push_back("--" + key + "=" + value);
        }
        return arguments;
    }

    // A variable that is empty counts as not set.
    std::vector<std::string> from_environment() const {
        std::vector<std::string> arguments;
        const auto add = [&arguments](const std::string& flag) {
            const char* const value = std::getenv(environment_name(flag).c_str());
            if (value && *value) {
                arguments.push_back("--" + flag + "=" + value);
            }
        };
        std::for_each(keys.begin(), keys.end(), add);
        if (app.get_option_no_throw("--config") != nullptr) {
            add("config");
        }
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
    parser_->keys.push_back(flag);
}

void CommandLine::add_switch(const std::string& flag, bool& value, const std::string& help) {
    parser_->app.add_flag("--" + flag, value, help);
    parser_->keys.push_back(flag);
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
    parser_->app
        .add_option("--config", parser_->config_file,
                    "Read options from FILE (lines of key = value)")
        ->type_name("FILE");
}

void CommandLine::add_address(std::string& name, std::string& run_folder) {
    name = "drainpipe";
    add_option("name", name, "NAME", "Which pipeline: 1 to 64 of A-Z a-z 0-9 . _ -");
    add_option("run-dir", run_folder, "DIR",
               "Folder of the lock and the socket [$XDG_RUNTIME_DIR/drainpipe, /run/drainpipe for "
               "root, else /tmp/drainpipe-UID]");
}

std::optional<ExitCode> CommandLine::parse(int argc, char** argv) {
    try {
        std::vector<std::string> arguments = parser_->from_environment();
        arguments.insert(arguments.end(), argv + 1, argv + argc);
        parser_->refuse_missing_values(arguments);
        parser_->read(arguments);
        if (!parser_->config_file.empty()) {
            const std::vector<std::string> before = parser_->from_config_file();
            arguments.insert(arguments.begin(), before.begin(), before.end());
            parser_->read(arguments);
        }
    } catch (const CLI::CallForHelp&) {
        print_answer(parser_->app.help());
        return ExitCode::done;
    } catch (const CLI::CallForVersion& version) {
        print_answer(std::string(version.what()) + "\n");
        return ExitCode::done;
    } catch (const CLI::ParseError& error) {
        throw Failure(ExitCode::usage, std::string(error.what()) + " (--help tells more)");
    }
    return std::nullopt;
}

}  // namespace drainpipe
