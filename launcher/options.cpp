#include "options.hpp"

#include <grp.h>

#include <charconv>
#include <string>
#include <string_view>

#include "command_line.hpp"
#include "failure.hpp"
#include "layout.hpp"
#include "quantity.hpp"

namespace drainpipe {
namespace {

constexpr std::uint64_t kMaxDemand = 1000000000;
constexpr std::uint64_t kMaxLogEvents = 1000000000;
constexpr std::uint64_t kMaxFields = 1000000;

// The options as they were written, with their defaults.
struct Texts {
    std::string name = Address::kDefaultName;
    std::string run_directory;
    std::string log_directory = "log";
    std::string grace = "10s";
    std::string max_demand = "1000";
    std::string min_demand;
    std::string capacity = "262144";
    std::string buffer_size = "16M";
    std::string event_delay = "0";
    std::string log_events = "all";
    std::string socket_mode = "0600";
    std::string socket_group;
    bool discard = false;
    std::string consumers = "1";
    std::string dispatch = "demand";
    std::string partition_by;
    std::string partition_delimiter;
    std::string command;
    std::string count;
};

void describe(CommandLine& line, Texts& texts) {
    line.add_config_file();
    line.add_address(texts.name, texts.run_directory);
    line.add_option("log-dir", texts.log_directory, "DIR", "Directory of info.log");
    line.add_option("grace", texts.grace, "DURATION", "From the stop request to SIGKILL");
    line.add_option("max-demand", texts.max_demand, "N", "Most events in flight to one consumer");
    line.add_option("min-demand", texts.min_demand, "N",
                    "Ask again when this many are left [half of --max-demand]");
    line.add_option("capacity", texts.capacity, "EVENTS", "Events that the ring can hold");
    line.add_option("buffer-size", texts.buffer_size, "BYTES",
                    "Payload bytes that the ring can hold");
    line.add_option("event-delay", texts.event_delay, "DURATION", "Simulated work per event");
    line.add_option("socket-mode", texts.socket_mode, "MODE", "Permissions of the intake's socket");
    line.add_option("socket-group", texts.socket_group, "GROUP",
                    "Group of the socket; the run directory is 0750 of it then");
    line.add_option("log-events", texts.log_events, "all|N/s|off",
                    "Records of events: one for each, so many a second at most, or none");
    line.add_option("consumers", texts.consumers, "N", "Consumer processes, 1 to 64");
    line.add_option("dispatch", texts.dispatch, "demand|broadcast",
                    "Each event to one consumer, or to every one");
    line.add_option("partition-by", texts.partition_by, "FIELD",
                    "Events that agree in this field of the payload, from 1, are done in order");
    line.add_option("partition-delimiter", texts.partition_delimiter, "CHAR",
                    "Between fields [white space]");
    line.add_argument("COMMAND", texts.command,
                      "scale: give the running pipeline COUNT consumers, start nothing");
    line.add_argument("COUNT", texts.count, "1 to 64");
    line.add_switch("discard", texts.discard, "At start, throw away what an earlier run left");
}

std::uint64_t min_demand_of(const CommandLine& line, const Texts& texts, std::uint64_t max_demand) {
    return texts.min_demand.empty()
               ? max_demand / 2
               : parse_count(line.origin("min-demand"), texts.min_demand, 0, max_demand - 1);
}

unsigned consumers_of(const std::string& what, const std::string& text) {
    return static_cast<unsigned>(parse_count(what, text, 1, kMaxConsumers));
}

Dispatch dispatch_of(const CommandLine& line, const Texts& texts) {
    if (texts.dispatch != "demand" && texts.dispatch != "broadcast") {
        throw Failure(ExitCode::usage, line.origin("dispatch") + ": '" + texts.dispatch +
                                           "' is not demand or broadcast");
    }
    if (texts.partition_by.empty()) {
        return texts.dispatch == "demand" ? Dispatch::demand : Dispatch::broadcast;
    }
    if (texts.dispatch == "broadcast") {
        throw Failure(ExitCode::usage, line.origin("partition-by") + ": '" + texts.partition_by +
                                           "' has no meaning with --dispatch broadcast");
    }
    return Dispatch::partition;
}

std::int32_t delimiter_of(const CommandLine& line, const Texts& texts) {
    if (texts.partition_delimiter.empty()) {
        return -1;
    }
    if (texts.partition_by.empty()) {
        throw Failure(ExitCode::usage, line.origin("partition-delimiter") + ": '" +
                                           texts.partition_delimiter +
                                           "' has no meaning without --partition-by");
    }
    if (texts.partition_delimiter == "\\t") {
        return '\t';
    }
    if (texts.partition_delimiter.size() != 1) {
        throw Failure(ExitCode::usage, line.origin("partition-delimiter") + ": '" +
                                           texts.partition_delimiter + "' is not one character");
    }
    return static_cast<unsigned char>(texts.partition_delimiter.front());
}

std::uint32_t socket_mode_of(const CommandLine& line, const std::string& text) {
    std::uint32_t mode = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, mode, 8);
    if (error != std::errc() || rest != end || text.size() < 3 || mode > 0777) {
        throw Failure(ExitCode::usage, line.origin("socket-mode") + ": '" + text +
                                           "' is not a mode in octal digits, such as 0660");
    }
    return mode;
}

std::optional<gid_t> socket_group_of(const CommandLine& line, const std::string& text) {
    if (text.empty()) {
        return std::nullopt;
    }
    if (const group* const found = ::getgrnam(text.c_str())) {
        return found->gr_gid;
    }
    gid_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || rest != end) {
        throw Failure(ExitCode::usage,
                      line.origin("socket-group") + ": '" + text + "' is not a group here");
    }
    return number;
}

std::int64_t log_events_of(const CommandLine& line, const std::string& text) {
    constexpr std::string_view kPerSecond = "/s";
    if (text == "all" || text == "off") {
        return text == "all" ? -1 : 0;
    }
    const std::string origin = line.origin("log-events");
    if (!text.ends_with(kPerSecond)) {
        throw Failure(ExitCode::usage, origin + ": '" + text + "' is not all, off, or N/s");
    }
    const std::string count = text.substr(0, text.size() - kPerSecond.size());
    return static_cast<std::int64_t>(parse_count(origin, count, 1, kMaxLogEvents));
}

std::optional<unsigned> scale_of(const Texts& texts) {
    if (texts.command.empty()) {
        return std::nullopt;
    }
    if (texts.command != "scale") {
        throw Failure(ExitCode::usage, "'" + texts.command + "' is not a command, only scale is");
    }
    return consumers_of("scale", texts.count);
}

std::filesystem::path log_directory_of(const CommandLine& line, const Texts& texts) {
    std::filesystem::path directory = std::filesystem::absolute(texts.log_directory);
    if (directory.native().size() >= sizeof(Settings::log_directory)) {
        throw Failure(ExitCode::usage,
                      line.origin("log-dir") + ": '" + texts.log_directory + "' is too long");
    }
    return directory;
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv) {
    Texts texts;
    CommandLine line("launcher",
                     "Starts a pipeline, supervises it, and drains it on SIGTERM or SIGINT.");
    describe(line, texts);
    if (line.parse(argc, argv)) {
        return std::nullopt;
    }
    const std::uint64_t max_demand =
        parse_count(line.origin("max-demand"), texts.max_demand, 1, kMaxDemand);
    return Options{
        .address =
            Address(texts.name, texts.run_directory, line.origin("name"), line.origin("run-dir")),
        .log_directory = log_directory_of(line, texts),
        .grace = parse_duration(line.origin("grace"), texts.grace),
        .max_demand = max_demand,
        .min_demand = min_demand_of(line, texts, max_demand),
        .capacity = parse_count(line.origin("capacity"), texts.capacity, 1, Geometry::kMaxCapacity),
        .buffer_bytes =
            parse_size(line.origin("buffer-size"), texts.buffer_size, 1, Geometry::kMaxBuffer),
        .event_delay = parse_duration(line.origin("event-delay"), texts.event_delay),
        .log_events_per_second = log_events_of(line, texts.log_events),
        .socket_mode = socket_mode_of(line, texts.socket_mode),
        .socket_group = socket_group_of(line, texts.socket_group),
        .discard = texts.discard,
        .consumers = consumers_of(line.origin("consumers"), texts.consumers),
        .dispatch = dispatch_of(line, texts),
        .partition_by = texts.partition_by.empty()
                            ? 0
                            : static_cast<std::uint32_t>(parse_count(
                                  line.origin("partition-by"), texts.partition_by, 1, kMaxFields)),
        .partition_delimiter = delimiter_of(line, texts),
        .scale_to = scale_of(texts),
    };
}

}  // namespace drainpipe
