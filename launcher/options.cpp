#include "options.hpp"

#include <grp.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "failure.hpp"
#include "layout.hpp"
#include "quantity.hpp"

namespace drainpipe {
namespace {

constexpr std::uint64_t kDefaultMaxDemand = 1000;
constexpr std::uint64_t kMaxDemand = 1000000000;
constexpr std::uint64_t kMaxLogEvents = 1000000000;
constexpr std::uint64_t kMaxFields = 1000000;
constexpr std::uint64_t kMaxJobs = 1024;
constexpr std::uint64_t kMaxTogether = 1000000;
constexpr std::uint64_t kMaxRetries = 250;  // attempts are counted up to 255
constexpr std::uint64_t kMaxRate = 1000000000;
constexpr std::chrono::hours kMaxBackoff{7 * 24};  // see retry_time.hpp

// The options as they were written, with their defaults.
struct Texts {
    std::string name = Address::kDefaultName;
    std::string run_directory;
    std::string log_directory = "log";
    std::string grace = "10s";
    std::string max_demand;
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
    std::string exec;
    std::string worker;
    std::string forward;
    std::string consumer;
    std::string jobs;
    std::string batch;
    std::string batch_wait;
    std::string window;
    std::string worker_format;
    std::string timeout;
    std::string retries;
    std::string backoff;
    std::string backoff_max;
    std::string rate;
    std::string from;
    std::string producer;
    bool socket = false;
    std::string command;
    std::vector<std::string> arguments;  // of the command
    bool json = false;
    bool all = false;
};

void describe_work(CommandLine& line, Texts& texts) {
    line.add_option("exec", texts.exec, "CMD",
                    "Run CMD for each event, its payload on standard input and in \"$1\"");
    line.add_option("worker", texts.worker, "CMD",
                    "Start CMD once: it gets a line for each event, and answers with one");
    line.add_option("forward", texts.forward, "NAME",
                    "Put each event into the pipeline NAME of this host");
    line.add_option("consumer", texts.consumer, "PATH",
                    "Your own consumer, a program with <drainpipe/consumer.hpp>, does the work");
    line.add_option("jobs", texts.jobs, "N",
                    "Commands at once, or workers, of each consumer, 1 to 1024 [1]");
    line.add_option("batch", texts.batch, "N", "With --exec: up to N events for one run [1]");
    line.add_option("batch-wait", texts.batch_wait, "DURATION",
                    "A part of a batch goes when its first event is so old [50ms]");
    line.add_option("window", texts.window, "N",
                    "With --worker or --consumer: events that one may have unanswered [256]");
    line.add_option("worker-format", texts.worker_format, "plain|json",
                    "With --worker: json takes payloads with newlines [plain]");
    line.add_option("timeout", texts.timeout, "DURATION",
                    "A run, or an event without an answer, that takes longer fails [none]");
    line.add_option("retries", texts.retries, "N", "Tries after the first one, 0 to 250 [3]");
    line.add_option("backoff", texts.backoff, "DURATION",
                    "Pause before the first retry, doubled each time [100ms]");
    line.add_option("backoff-max", texts.backoff_max, "DURATION", "The longest pause [30s]");
    line.add_option("rate", texts.rate, "N/s|N/m|N/h",
                    "Events begun per second, minute or hour, by all consumers [none]");
    line.add_option(
        "from", texts.from, "FILE",
        "The events are the lines of FILE ('-': standard input): stop when all are done");
    line.add_option("producer", texts.producer, "PATH",
                    "Your own producer, a program with <drainpipe/producer.hpp>, has the events");
    line.add_switch("socket", texts.socket, "With --producer: clients can enqueue beside it");
}

void describe(CommandLine& line, Texts& texts) {
    line.add_config_file();
    line.add_address(texts.name, texts.run_directory);
    line.add_option("log-dir", texts.log_directory, "DIR", "Directory of info.log and dead.ndjson");
    line.add_option("grace", texts.grace, "DURATION", "From the stop request to SIGKILL");
    line.add_option("max-demand", texts.max_demand, "N",
                    "Most events in flight to one consumer [1000; with --exec what its jobs take]");
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
    describe_work(line, texts);
    line.add_argument("COMMAND", texts.command, "Start nothing, but do this:");
    line.add_arguments("ARGUMENTS", texts.arguments,
                       "scale COUNT: give the running pipeline so many consumers, 1 to 64; "
                       "dead list [--json]: show the dead letters of --log-dir; "
                       "dead retry [ID...]: enqueue them anew, and remove them; "
                       "dead drop ID... or --all: remove them");
    line.add_command_switch("json", texts.json, "dead list: the letters as they stand in the file");
    line.add_command_switch("all", texts.all, "dead drop: all of them");
    line.add_switch("discard", texts.discard, "At start, throw away what an earlier run left");
}

// A command that has ended leaves its job to the next event at once.
std::uint64_t max_demand_of(const CommandLine& line, const Texts& texts, const WorkOptions& work) {
    if (texts.max_demand.empty()) {
        return work.kind == WorkKind::exec ? std::uint64_t{work.jobs} * work.batch
                                           : kDefaultMaxDemand;
    }
    return parse_count(line.origin("max-demand"), texts.max_demand, 1, kMaxDemand);
}

std::uint64_t min_demand_of(const CommandLine& line, const Texts& texts, std::uint64_t max_demand) {
    const bool has_commands = !texts.exec.empty() && texts.max_demand.empty();
    return texts.min_demand.empty()
               ? (has_commands ? max_demand - 1 : max_demand / 2)
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
    if (texts.command != "scale") {
        return std::nullopt;
    }
    if (texts.arguments.size() > 1) {
        throw Failure(ExitCode::usage, "scale: '" + texts.arguments[1] + "' is one word too many");
    }
    return consumers_of("scale", texts.arguments.empty() ? "" : texts.arguments.front());
}

std::optional<DeadCommand> dead_of(const Texts& texts) {
    if (texts.command == "dead") {
        return parse_dead_command(texts.arguments, texts.json, texts.all);
    }
    if (texts.json || texts.all) {
        throw Failure(ExitCode::usage, texts.json ? "--json has a meaning for 'dead list' alone"
                                                  : "--all has a meaning for 'dead drop' alone");
    }
    if (!texts.command.empty() && texts.command != "scale") {
        throw Failure(ExitCode::usage,
                      "'" + texts.command + "' is not a command; scale and dead are");
    }
    return std::nullopt;
}

[[noreturn]] void refuse(const CommandLine& line, const std::string& flag, const std::string& value,
                         const std::string& why) {
    throw Failure(ExitCode::usage, line.origin(flag) + ": '" + value + "' " + why);
}

// What the options of a kind of work are, and which kinds they have a meaning for.
struct WorkReader {
    const CommandLine& line;
    WorkKind kind;

    bool is_given(const std::string& flag, const std::string& value,
                  std::initializer_list<WorkKind> kinds, const std::string& needed) const {
        if (!value.empty() && std::ranges::find(kinds, kind) == kinds.end()) {
            refuse(line, flag, value, "has no meaning without " + needed);
        }
        return !value.empty();
    }
    std::uint32_t count(const std::string& flag, const std::string& value, std::uint64_t least,
                        std::uint64_t most) const {
        return static_cast<std::uint32_t>(parse_count(line.origin(flag), value, least, most));
    }
    std::chrono::microseconds duration(const std::string& flag, const std::string& value) const {
        return parse_duration(line.origin(flag), value);
    }
};

WorkKind work_kind_of(const CommandLine& line, const Texts& texts) {
    WorkKind kind = WorkKind::print;
    std::string first;
    const auto take = [&](const std::string& flag, const std::string& value, WorkKind its_kind) {
        if (value.empty()) {
            return;
        }
        if (!first.empty()) {
            refuse(line, flag, value, "can't be had beside " + first + ": choose one of them");
        }
        first = line.origin(flag);
        kind = its_kind;
    };
    take("exec", texts.exec, WorkKind::exec);
    take("worker", texts.worker, WorkKind::worker);
    take("forward", texts.forward, WorkKind::forward);
    take("consumer", texts.consumer, WorkKind::stage);
    if (kind == WorkKind::print) {
        return kind;
    }
    if (texts.dispatch == "broadcast") {
        refuse(line, "dispatch", texts.dispatch,
               "can't be had with " + first + ": an event has one outcome");
    }
    if (texts.event_delay != "0") {
        refuse(line, "event-delay", texts.event_delay,
               "has no meaning with " + first + ": it simulates work");
    }
    return kind;
}

// Of a stage of the user's own.
std::filesystem::path program_of(const CommandLine& line, const std::string& flag,
                                 const std::string& path, std::size_t most) {
    std::filesystem::path program = std::filesystem::absolute(path);
    if (program.native().size() >= most) {
        refuse(line, flag, path, "is too long");
    }
    return program;
}

std::string command_of(const CommandLine& line, const Texts& texts, WorkKind kind) {
    if (kind == WorkKind::stage) {
        return program_of(line, "consumer", texts.consumer, sizeof(Settings::command));
    }
    if (kind == WorkKind::forward) {
        const Address checked(texts.forward, texts.run_directory, line.origin("forward"));
        if (texts.forward == texts.name) {
            refuse(line, "forward", texts.forward, "is this pipeline itself");
        }
        return texts.forward;
    }
    const std::string& command = kind == WorkKind::exec ? texts.exec : texts.worker;
    if (command.size() >= sizeof(Settings::command)) {
        throw Failure(ExitCode::usage, line.origin(kind == WorkKind::exec ? "exec" : "worker") +
                                           ": the command has " + std::to_string(command.size()) +
                                           " bytes, at most " +
                                           std::to_string(sizeof(Settings::command) - 1) +
                                           " are taken: put it into a script");
    }
    return command;
}

std::chrono::nanoseconds begin_interval_of(const CommandLine& line, const std::string& text) {
    const auto slash = text.find('/');
    const std::string unit = slash == std::string::npos ? "" : text.substr(slash + 1);
    const std::chrono::seconds period(unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0);
    if (period.count() == 0) {
        refuse(line, "rate", text, "is not N/s, N/m or N/h");
    }
    const std::uint64_t count =
        parse_count(line.origin("rate"), text.substr(0, slash), 1, kMaxRate);
    return std::chrono::nanoseconds(period) / count;
}

WorkOptions work_options_of(const CommandLine& line, const Texts& texts) {
    using enum WorkKind;
    const WorkReader reader{line, work_kind_of(line, texts)};
    WorkOptions options{
        .kind = reader.kind,
        .command = reader.kind == print ? "" : command_of(line, texts, reader.kind),
        .worker_format = WorkerFormat::plain,
        .jobs = 1,
        .batch = 1,
        .window = 256,
        .retries = 3,
        .batch_wait = std::chrono::milliseconds(50),
        .timeout = {},
        .backoff = std::chrono::milliseconds(100),
        .backoff_max = std::chrono::seconds(30),
        .begin_interval = {},
    };
    const std::string processes = "--exec or --worker";
    const std::string works = "--exec, --worker, --forward or --consumer";
    if (reader.is_given("jobs", texts.jobs, {exec, worker}, processes)) {
        options.jobs = reader.count("jobs", texts.jobs, 1, kMaxJobs);
    }
    if (reader.is_given("batch", texts.batch, {exec}, "--exec")) {
        options.batch = reader.count("batch", texts.batch, 1, kMaxTogether);
    }
    if (reader.is_given("batch-wait", texts.batch_wait, {exec}, "--exec")) {
        options.batch_wait = reader.duration("batch-wait", texts.batch_wait);
    }
    if (reader.is_given("window", texts.window, {worker, stage}, "--worker or --consumer")) {
        options.window = reader.count("window", texts.window, 1, kMaxTogether);
    }
    if (reader.is_given("worker-format", texts.worker_format, {worker}, "--worker")) {
        if (texts.worker_format != "plain" && texts.worker_format != "json") {
            refuse(line, "worker-format", texts.worker_format, "is not plain or json");
        }
        options.worker_format =
            texts.worker_format == "json" ? WorkerFormat::json : WorkerFormat::plain;
    }
    if (reader.is_given("timeout", texts.timeout, {exec, worker}, processes)) {
        options.timeout = reader.duration("timeout", texts.timeout);
        if (options.timeout.count() == 0) {
            refuse(line, "timeout", texts.timeout,
                   "leaves no time; without --timeout there is no limit");
        }
    }
    if (reader.is_given("retries", texts.retries, {exec, worker, forward, stage}, works)) {
        options.retries = reader.count("retries", texts.retries, 0, kMaxRetries);
    }
    if (reader.is_given("backoff", texts.backoff, {exec, worker, forward, stage}, works)) {
        options.backoff = reader.duration("backoff", texts.backoff);
    }
    if (reader.is_given("backoff-max", texts.backoff_max, {exec, worker, forward, stage}, works)) {
        options.backoff_max = reader.duration("backoff-max", texts.backoff_max);
    }
    if (options.backoff_max > kMaxBackoff) {
        refuse(line, "backoff-max", texts.backoff_max, "is more than a week");
    }
    if (!texts.rate.empty()) {
        options.begin_interval = begin_interval_of(line, texts.rate);
    }
    return options;
}

SourceOptions source_options_of(const CommandLine& line, const Texts& texts) {
    if (texts.socket && texts.producer.empty()) {
        throw Failure(ExitCode::usage, line.origin("socket") +
                                           " has no meaning without --producer: there is a socket "
                                           "where no --from takes its place");
    }
    if (!texts.producer.empty()) {
        if (!texts.from.empty()) {
            refuse(line, "producer", texts.producer,
                   "can't be had beside " + line.origin("from") + ": choose one of them");
        }
        return {SourceKind::stage,
                {},
                program_of(line, "producer", texts.producer, sizeof(Settings::producer_path)),
                texts.socket};
    }
    if (texts.from.empty()) {
        return {SourceKind::socket, {}, {}, true};
    }
    if (texts.from == "-") {
        return {SourceKind::standard_input, {}, {}, false};
    }
    std::filesystem::path file = std::filesystem::absolute(texts.from);
    if (file.native().size() >= sizeof(Settings::source_file)) {
        refuse(line, "from", texts.from, "is too long");
    }
    return {SourceKind::file, std::move(file), {}, false};
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
    const WorkOptions work = work_options_of(line, texts);
    const std::uint64_t max_demand = max_demand_of(line, texts, work);
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
        .work = work,
        .source = source_options_of(line, texts),
        .scale_to = scale_of(texts),
        .dead = dead_of(texts),
    };
}

}  // namespace drainpipe
