#include "work_options.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "address.hpp"
#include "failure.hpp"
#include "quantity.hpp"

namespace drainpipe {
namespace {

constexpr std::uint64_t kMaxJobs = 1024;
constexpr std::uint64_t kMaxTogether = 1000000;
constexpr std::uint64_t kMaxRetries = 250;  // attempts are counted up to 255
constexpr std::uint64_t kMaxRate = 1000000000;
constexpr std::chrono::hours kMaxBackoff{7 * 24};  // see retry_time.hpp

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

WorkKind work_kind_of(const CommandLine& line, const OptionTexts& texts) {
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
    if (!texts.sink.empty()) {
        first = line.origin("sink");
    } else if (kind == WorkKind::print) {
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

std::string command_of(const CommandLine& line, const OptionTexts& texts, WorkKind kind) {
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

}  // namespace

WorkOptions read_work_options(const CommandLine& line, const OptionTexts& texts) {
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
    const std::string works = "--exec, --worker, --forward, --consumer or --sink";
    const WorkReader fallible{line, texts.sink.empty() ? reader.kind : exec};
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
    if (fallible.is_given("retries", texts.retries, {exec, worker, forward, stage}, works)) {
        options.retries = reader.count("retries", texts.retries, 0, kMaxRetries);
    }
    if (fallible.is_given("backoff", texts.backoff, {exec, worker, forward, stage}, works)) {
        options.backoff = reader.duration("backoff", texts.backoff);
    }
    if (fallible.is_given("backoff-max", texts.backoff_max, {exec, worker, forward, stage},
                          works)) {
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

}  // namespace drainpipe
