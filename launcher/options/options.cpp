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
#include "endpoint_options.hpp"
#include "failure.hpp"
#include "layout.hpp"
#include "quantity.hpp"

namespace drainpipe {
namespace {

constexpr std::uint64_t kDefaultMaxDemand = 1000;
constexpr std::uint64_t kMaxDemand = 1000000000;
constexpr std::uint64_t kMaxLogEvents = 1000000000;
constexpr std::uint64_t kMaxFields = 1000000;

// A command that has ended leaves its job to the next event at once; where a sink has its result
// next, that takes no job.
bool has_commands_alone(const OptionTexts& texts) {
    return !texts.exec.empty() && texts.sink.empty();
}

std::uint64_t max_demand_of(const CommandLine& line, const OptionTexts& texts,
                            const WorkOptions& work) {
    if (texts.max_demand.empty()) {
        return has_commands_alone(texts) ? std::uint64_t{work.jobs} * work.batch
                                         : std::max<std::uint64_t>(kDefaultMaxDemand, work.jobs);
    }
    return parse_count(line.origin("max-demand"), texts.max_demand, 1, kMaxDemand);
}

std::uint64_t min_demand_of(const CommandLine& line, const OptionTexts& texts,
                            std::uint64_t max_demand) {
    const bool has_commands = has_commands_alone(texts) && texts.max_demand.empty();
    return texts.min_demand.empty()
               ? (has_commands ? max_demand - 1 : max_demand / 2)
               : parse_count(line.origin("min-demand"), texts.min_demand, 0, max_demand - 1);
}

unsigned consumers_of(const std::string& what, const std::string& text) {
    return static_cast<unsigned>(parse_count(what, text, 1, kMaxConsumers));
}

Dispatch dispatch_of(const CommandLine& line, const OptionTexts& texts) {
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

std::int32_t delimiter_of(const CommandLine& line, const OptionTexts& texts) {
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

ColorMode colour_of(const CommandLine& line, const std::string& text) {
    if (text != "auto" && text != "always" && text != "never") {
        refuse(line, "color", text, "is not auto, always or never");
    }
    return text == "always"  ? ColorMode::always
           : text == "never" ? ColorMode::never
                             : ColorMode::automatic;
}

}  // namespace

std::filesystem::path read_log_directory(const CommandLine& line, const OptionTexts& texts) {
    std::filesystem::path directory = std::filesystem::absolute(texts.log_directory);
    if (directory.native().size() >= sizeof(Settings::log_directory)) {
        throw Failure(ExitCode::usage,
                      line.origin("log-dir") + ": '" + texts.log_directory + "' is too long");
    }
    return directory;
}

Address read_address(const CommandLine& line, const OptionTexts& texts) {
    return Address(texts.name, texts.run_directory, line.origin("name"), line.origin("run-dir"));
}

Options read_options(const CommandLine& line, const OptionTexts& texts) {
    require_engine_of_options(line, texts);
    const WorkOptions work = read_work_options(line, texts);
    const std::uint64_t max_demand = max_demand_of(line, texts, work);
    return Options{
        .address = read_address(line, texts),
        .log_directory = read_log_directory(line, texts),
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
        .activated_socket = std::nullopt,
        .discard = texts.discard,
        .consumers = consumers_of(line.origin("consumers"), texts.consumers),
        .dispatch = dispatch_of(line, texts),
        .partition_by = texts.partition_by.empty()
                            ? 0
                            : static_cast<std::uint32_t>(parse_count(
                                  line.origin("partition-by"), texts.partition_by, 1, kMaxFields)),
        .partition_delimiter = delimiter_of(line, texts),
        .work = work,
        .source = read_source_options(line, texts),
        .sink = read_sink_options(line, texts),
        .http = texts.http.empty()
                    ? std::nullopt
                    : std::optional(parse_http_address(line.origin("http"), texts.http)),
        .colour = colour_of(line, texts.color),
        .is_quiet = texts.quiet,
    };
}

}  // namespace drainpipe
