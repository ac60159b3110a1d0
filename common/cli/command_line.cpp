#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <map>
#include <vector>

#include "answer.hpp"
#include "config_file.hpp"
#include "credentials.hpp"
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

// A variable that is empty counts as not set.
std::string environment_value(const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return value ? value : "";
}

// Those of the parser's own templates that fit any type cost seconds of a build.
CLI::Option* add_text(CLI::App& to, const std::string& name, std::string& value,
                      const std::string& help) {
    const auto take = [&value](const CLI::results_t& results) {
        value = results.back();
        return true;
    };
    return to.add_option(name, take, help, false, [&value] { return value; });
}

[[noreturn]] void refuse_empty(const std::string& option) {
    throw Failure(ExitCode::usage, option + ": '' is not a value");
}

}  // namespace

struct CommandLine::Parser {
    CLI::App app;
    std::vector<std::string> keys;  // flags that environment and configuration file may give too
    std::vector<std::string> switches;           // those of them that take no value on the line
    std::map<std::string, std::string> origins;  // of what the command line did not give
    std::map<std::string, std::vector<std::string>> taken_by;  // a command, of these flags
    std::string config_file;

    const CLI::App* command() const {
        const std::vector<CLI::App*> commands = app.get_subcommands();
        return commands.empty() ? nullptr : commands.front();
    }

    // The last of a flag wins.
    void read(std::vector<std::string> arguments) {
        std::reverse(arguments.begin(), arguments.end());
        app.parse(arguments);
        refuse_empty_values(app);
        if (const CLI::App* const command = this->command()) {
            refuse_empty_values(*command);
        }
    }

    static void refuse_empty_values(const CLI::App& from) {
        for (const CLI::Option* option : from.get_options()) {
            if (option->count() > 0 && option->results().back().empty()) {
                refuse_empty(option->get_name());
            }
        }
    }

    // What is meant for the start of a pipeline says nothing to a command.
    void refuse_foreign_flags() const {
        const CLI::App* const command = this->command();
        if (!command) {
            return;
        }
        const std::vector<std::string>& taken = taken_by.at(command->get_name());
        for (const std::string& flag : keys) {
            if (is_given(flag) && std::ranges::find(taken, flag) == taken.end()) {
                throw Failure(ExitCode::usage,
                              "--" + flag + " has no meaning for '" + command->get_name() + "'");
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

    bool is_given(const std::string& flag) const {
        return app.get_option("--" + flag)->count() > 0;
    }

    // What the environment and the configuration file give and the command line does not.
    std::vector<std::string> other_arguments() {
        std::vector<std::string> arguments;
        const auto add = [&](const std::string& flag, const std::string& value,
                             const std::string& origin) {
            if (is_given(flag) || !origins.emplace(flag, origin).second) {
                return;
            }
            require_switch_value(flag, value);
            arguments.push_back("--" + flag + "=" + value);
        };
        for (const std::string& flag : keys) {
            const std::string name = environment_name(flag);
            if (const std::string value = environment_value(name); !value.empty()) {
                add(flag, value, name);
            }
        }
        if (app.get_option_no_throw("--config") != nullptr && config_file.empty()) {
            config_file = environment_value("DRAINPIPE_CONFIG");
        }
        if (!config_file.empty()) {
            for (const ConfigItem& item : read_config_file(config_file, keys)) {
                add(item.key, item.value, item.place + ": " + item.key);
            }
        }
        return arguments;
    }

    // As it was called: "launcher", or "drainpipe run".
    void take_name(const std::string& called) {
        const std::string name = called.substr(called.rfind('/') + 1);
        if (!name.empty()) {
            app.name(name);
        }
    }

    std::string describe() const {
        std::string table = "program\t" + app.get_name() + "\t" + app.get_description() + "\n";
        describe_options(app, "", table);
        for (const CLI::App* const command : app.get_subcommands(nullptr)) {
            if (command->get_group().empty()) {
                continue;
            }
            const std::string& name = command->get_name();
            table += "command\t" + name + "\t" + command->get_description() + "\n";
            for (const std::string& flag : taken_by.at(name)) {
                table += "takes\t" + name + "\t--" + flag + "\n";
            }
            describe_options(*command, name, table);
        }
        return table;
    }

    static void describe_options(const CLI::App& from, const std::string& command,
                                 std::string& table) {
        for (const CLI::Option* const option : from.get_options()) {
            const std::string& help = option->get_description();
            if (option->get_group().empty()) {
                continue;
            }
            table += option->get_positional()
                         ? "argument\t" + command + "\t" + option->get_name(true) + "\t" + help
                         : "option\t" + command + "\t" + option->get_name(false, true) + "\t" +
                               type_of(*option) + "\t" + option->get_default_str() + "\t" + help;
            table += "\n";
        }
    }

    static std::string type_of(const CLI::Option& option) {
        return option.get_items_expected_max() == 0 ? "" : option.get_type_name();
    }

    void require_switch_value(const std::string& flag, const std::string& value) const {
        constexpr std::array kValues{"true", "false", "on", "off", "yes", "no", "1", "0"};
        if (std::ranges::find(switches, flag) != switches.end() &&
            std::ranges::find(kValues, value) == kValues.end()) {
            throw Failure(ExitCode::usage,
                          origins.at(flag) + ": '" + value + "' is not true or false");
        }
    }
};

CommandLine::CommandLine(const std::string& program, const std::string& purpose)
    : parser_(std::make_unique<Parser>()) {
    CLI::App& app = parser_->app;
    app.name(program);
    app.description(purpose);
    app.set_version_flag("--version", program + " " DRAINPIPE_VERSION,
                         "Print the version and exit");
    app.set_help_flag("-h,--help", "Print this and exit");
    app.add_flag("--describe")->group("");
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.get_formatter()->column_width(34);
}

CommandLine::~CommandLine() = default;

void CommandLine::add_option(const std::string& flag, std::string& value, const std::string& type,
                             const std::string& help) {
    add_text(parser_->app, "--" + flag, value, help)->type_name(type)->capture_default_str();
    parser_->keys.push_back(flag);
}

void CommandLine::add_switch(const std::string& flag, bool& value, const std::string& help) {
    parser_->app.add_flag("--" + flag, value, help);
    parser_->keys.push_back(flag);
    parser_->switches.push_back(flag);
}

void CommandLine::add_command_switch(const std::string& flag, bool& value,
                                     const std::string& help) {
    parser_->app.add_flag("--" + flag, value, help);
}

void CommandLine::add_hidden_option(const std::string& flag, std::string& value) {
    add_text(parser_->app, "--" + flag, value, "")->group("");
}

void CommandLine::add_argument(const std::string& name, std::string& value,
                               const std::string& help) {
    add_text(parser_->app, name, value, help)
        ->type_name("")
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
}

CommandLine::Command CommandLine::add_command(const std::string& name, const std::string& help,
                                              std::vector<std::string> flags) {
    CLI::App* const command = parser_->app.add_subcommand(name, help)->fallthrough();
    command->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    parser_->app.require_subcommand(0, 1);
    constexpr std::size_t kFew = 5;
    if (flags.size() <= kFew) {
        std::string also = "Also --config";
        for (const std::string& flag : flags) {
            also += ", --" + flag;
        }
        command->footer(also + ", as at the start.");
    } else {
        command->footer("Also every option of the start.");
    }
    parser_->taken_by.emplace(name, std::move(flags));
    return Command(*command);
}

CommandLine::Command CommandLine::add_hidden_command(const std::string& name,
                                                     std::vector<std::string> flags) {
    const Command command = add_command(name, "", std::move(flags));
    command.parser_.group("");
    return command;
}

CommandLine::Command& CommandLine::Command::add_switch(const std::string& flag, bool& value,
                                                       const std::string& help) {
    parser_.add_flag("--" + flag, value, help);
    return *this;
}

CommandLine::Command& CommandLine::Command::add_option(const std::string& flag, std::string& value,
                                                       const std::string& type,
                                                       const std::string& help) {
    add_text(parser_, flag, value, help)->type_name(type)->capture_default_str();
    return *this;
}

CommandLine::Command& CommandLine::Command::add_argument(const std::string& name,
                                                         std::string& value,
                                                         const std::string& help) {
    add_text(parser_, name, value, help)
        ->type_name("")
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
    return *this;
}

CommandLine::Command& CommandLine::Command::add_arguments(const std::string& name,
                                                          std::vector<std::string>& values,
                                                          const std::string& help) {
    const auto take = [&values](const CLI::results_t& results) {
        values = results;
        return true;
    };
    parser_.add_option(name, take, help)
        ->type_name("")
        ->expected(CLI::detail::expected_max_vector_size)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    return *this;
}

void CommandLine::add_config_file() {
    add_text(parser_->app, "--config", parser_->config_file,
             "Read options from FILE (lines of key = value)")
        ->type_name("FILE");
}

void CommandLine::add_address(std::string& name, std::string& run_directory) {
    add_option("name", name, "NAME", "Which pipeline: 1 to 64 of A-Z a-z 0-9 . _ -");
    add_option(
        "run-dir", run_directory, "DIR",
        "Directory of the lock and the socket [$XDG_RUNTIME_DIR/drainpipe, /run/drainpipe for "
        "root, else /tmp/drainpipe-UID]");
}

std::optional<ExitCode> CommandLine::parse(int argc, char** argv) {
    try {
        std::vector<std::string> arguments(argv + 1, argv + argc);
        parser_->take_name(argc > 0 ? argv[0] : "");
        parser_->refuse_missing_values(arguments);
        parser_->read(arguments);
        if (parser_->is_given("describe")) {
            print_answer(parser_->describe());
            return ExitCode::done;
        }
        parser_->refuse_foreign_flags();
        const std::vector<std::string> others = parser_->other_arguments();
        arguments.insert(arguments.begin(), others.begin(), others.end());
        parser_->read(arguments);
    } catch (const CLI::CallForHelp&) {
        print_answer(parser_->app.help());
        return ExitCode::done;
    } catch (const CLI::CallForVersion& version) {
        print_answer(std::string(version.what()) + "\n");
        return ExitCode::done;
    } catch (const CLI::ExtrasError&) {
        const std::string word = with_hidden_credentials(parser_->app.remaining(true).front());
        throw Failure(ExitCode::usage, "'" + word + "' is not expected here (--help tells more)");
    } catch (const CLI::ParseError& error) {
        throw Failure(ExitCode::usage, std::string(error.what()) + " (--help tells more)");
    }
    return std::nullopt;
}

std::string CommandLine::origin(const std::string& flag) const {
    const auto found = parser_->origins.find(flag);
    return found == parser_->origins.end() ? "--" + flag : found->second;
}

std::vector<std::string> CommandLine::flags() const { return parser_->keys; }

std::string CommandLine::command() const {
    const CLI::App* const command = parser_->command();
    return command ? command->get_name() : "";
}

std::vector<CommandLine::Setting> CommandLine::settings() const {
    std::vector<Setting> settings;
    for (const std::string& flag : parser_->keys) {
        const CLI::Option& option = *parser_->app.get_option("--" + flag);
        const bool is_switch =
            std::ranges::find(parser_->switches, flag) != parser_->switches.end();
        Setting setting{flag, is_switch ? "false" : option.get_default_str(), std::nullopt};
        if (option.count() > 0) {
            setting.value = option.results().back();
            setting.origin = origin(flag);
        }
        settings.push_back(std::move(setting));
    }
    return settings;
}

}  // namespace drainpipe
