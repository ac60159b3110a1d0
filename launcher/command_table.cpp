#include "command_table.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "command_texts.hpp"
#include "config_command.hpp"
#include "dead_command.hpp"
#include "dead_letter_file.hpp"
#include "endpoint_variables.hpp"
#include "http_process.hpp"
#include "launcher.hpp"
#include "options.hpp"
#include "quantity.hpp"
#include "report.hpp"
#include "role_locks.hpp"
#include "scale.hpp"
#include "serve_http.hpp"
#include "signal_commands.hpp"
#include "signals.hpp"
#include "status_command.hpp"
#include "top.hpp"

namespace drainpipe {
namespace {

// What follows the commands on the line.
struct CommandTexts {
    bool json = false;
    bool wait = false;
    bool all = false;
    std::string count;
    std::string ready_fd;
    std::string log;
    std::string picture = "report.html";
    std::vector<std::string> words;
};

void describe_commands(CommandLine& line, CommandTexts& texts) {
    const std::vector<std::string> address{"name", "run-dir"};
    const auto add = [&](const CommandText& command, std::vector<std::string> flags) {
        return line.add_command(command.name, command.help, std::move(flags));
    };
    add(kStatusCommand, address).add_switch("json", texts.json, "As one JSON object");
    add(kTopCommand, address);
    add(kStopCommand, address)
        .add_switch("wait", texts.wait, "Until it has ended; exit with its exit code");
    add(kReloadCommand, address);
    add(kScaleCommand, address).add_argument("COUNT", texts.count, "1 to 64");
    add(kDeadCommand, {"name", "run-dir", "log-dir"})
        .add_arguments("ACTION", texts.words,
                       "list [--json]; retry [ID...]: enqueue them anew, and remove them; "
                       "drop ID... or --all: remove them")
        .add_switch("json", texts.json, "list: the letters as they stand in the file")
        .add_switch("all", texts.all, "drop: all of them");
    add(kReportCommand, {"log-dir"})
        .add_argument("LOG", texts.log, "The log [info.log of --log-dir]")
        .add_option("-o,--output", texts.picture, "FILE",
                    "Where to, as HTML, or as SVG by its name")
        .add_switch("all", texts.all, "All runs in the log, not the last one alone");
    line.add_hidden_command(HttpProcess::kCommand, {"name"})
        .add_option("--ready-fd", texts.ready_fd, "", "");
    add(kConfigCommand, line.flags());
}

void require_standard_descriptors(const Options& options, const StandardDescriptors& standard) {
    if (!standard.has_output) {
        throw Failure(ExitCode::io,
                      "standard output is closed and the payloads go there: give it a reader, "
                      "a file or /dev/null");
    }
    if (!standard.has_input && options.source.kind == SourceKind::standard_input) {
        throw Failure(ExitCode::io,
                      "standard input is closed and --from - takes the events from it: give it "
                      "a file or a pipe");
    }
}

// A command that waits for no signal ends by any as other programs do.
Action without_signals(std::function<ExitCode()> command) {
    return [command = std::move(command)](Descriptor) {
        release_signals();
        return command();
    };
}

std::optional<ActivatedSocket> activated_socket_for(const Options& options,
                                                    const ServiceEnvironment& service) {
    std::optional<ActivatedSocket> socket = find_activated_socket(service);
    if (socket && !options.source.has_socket) {
        throw Failure(ExitCode::usage,
                      "LISTEN_FDS: the socket " + socket->path.string() +
                          " is passed, and this pipeline takes nothing from clients: its events "
                          "come from what it was given");
    }
    return socket;
}

Action start_action(const Options& options, const StandardDescriptors& standard,
                    const ServiceEnvironment& service) {
    return [=](Descriptor signals) {
        require_standard_descriptors(options, standard);
        Options with_socket = options;
        with_socket.activated_socket = activated_socket_for(options, service);
        return Launcher(with_socket, service, std::move(signals)).run();
    };
}

Action scale_action(const Address& address, const std::string& count) {
    const auto consumers = static_cast<unsigned>(parse_count("scale", count, 1, kMaxConsumers));
    return without_signals([=] { return scale(where_it_runs(address), consumers); });
}

Action dead_action(const Address& address, const std::filesystem::path& log_directory,
                   const CommandTexts& texts) {
    const DeadCommand command = parse_dead_command(texts.words, texts.json, texts.all);
    return [=](Descriptor signals) {
        return run_dead_command(command, log_directory / DeadLetterFile::kFileName, address,
                                std::move(signals));
    };
}

Action report_action(const std::filesystem::path& log_directory, const CommandTexts& texts) {
    const ReportRequest request{
        .log = texts.log.empty() ? log_directory / "info.log" : std::filesystem::path(texts.log),
        .picture = texts.picture,
        .all_runs = texts.all};
    return without_signals([=] { return report(request); });
}

}  // namespace

std::optional<Action> parse_command_line(int argc, char** argv, const StandardDescriptors& standard,
                                         const ServiceEnvironment& service) {
    OptionTexts options;
    CommandTexts texts;
    CommandLine line("launcher",
                     "Starts a pipeline, supervises it, and drains it on SIGTERM or SIGINT.");
    describe_options(line, options);
    describe_commands(line, texts);
    if (line.parse(argc, argv)) {
        return std::nullopt;
    }
    hide_credentials(argc, argv);
    const std::string command = line.command();
    if (command.empty()) {
        return start_action(read_options(line, options), standard, service);
    }
    if (command == "config") {
        print_config(line, read_options(line, options));
        return std::nullopt;
    }
    if (command == "report") {
        return report_action(read_log_directory(line, options), texts);
    }
    const Address address = read_address(line, options);
    if (command == HttpProcess::kCommand) {
        return [=](Descriptor) { return serve_http(address.name()); };
    }
    if (command == "status") {
        return without_signals([=] { return print_status(address, texts.json); });
    }
    if (command == "top") {
        return [=](Descriptor signals) { return show_top(address, signals); };
    }
    if (command == "stop") {
        return [=](Descriptor signals) { return stop_pipeline(address, texts.wait, signals); };
    }
    if (command == "reload") {
        return without_signals([=] { return reload_pipeline(address); });
    }
    if (command == "scale") {
        return scale_action(address, texts.count);
    }
    return dead_action(address, read_log_directory(line, options), texts);
}

}  // namespace drainpipe
