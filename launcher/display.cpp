#include "display.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "live_text.hpp"
#include "status_of.hpp"

namespace drainpipe {
namespace {

// Between two lines of a drain where they can't be redrawn, and between two looks at a pipeline
// where nothing happens.
constexpr std::chrono::seconds kSlow{1};

// A path as a person would type it here.
std::string typed(const std::filesystem::path& path) {
    const std::filesystem::path relative = path.lexically_relative(std::filesystem::current_path());
    if (relative.empty() || *relative.begin() == "..") {
        return path.string();
    }
    return relative.string();
}

std::string flags_of(const Address& address) {
    const bool has_name = address.name() != Address::kDefaultName;
    const bool has_directory = address.candidates().size() == 1;
    return (has_name ? " --name " + address.name() : "") +
           (has_directory ? " --run-dir " + address.run_directory().string() : "");
}

bool is_in_path(const std::filesystem::path& program) {
    const char* const variable = std::getenv("PATH");
    std::istringstream directories(variable ? variable : "");
    for (std::string directory; std::getline(directories, directory, ':');) {
        std::error_code error;
        const std::filesystem::path found = std::filesystem::path(directory) / program.filename();
        if (::access(found.c_str(), X_OK) == 0) {
            return std::filesystem::equivalent(found, program, error);
        }
    }
    return false;
}

// What a person types for the programs.
struct Commands {
    std::string launcher;
    std::string enqueue;
};

// Installed they are commands of `drainpipe`.
Commands commands_here() {
    const std::filesystem::path here = own_directory();
    const std::filesystem::path front = (here / DRAINPIPE_FRONT_FROM_HERE).lexically_normal();
    if (::access(front.c_str(), X_OK) == 0) {
        const std::string name = is_in_path(front) ? front.filename().string() : typed(front);
        return {.launcher = name, .enqueue = name + " enqueue"};
    }
    const std::string launcher = typed(here / "launcher");
    return {.launcher = (launcher.find('/') == std::string::npos ? "./" : "") + launcher,
            .enqueue = typed(here / "scripts/enqueue.sh")};
}

std::string source_line(const Options& options, const Commands& commands,
                        const std::string& flags) {
    switch (options.source.kind) {
        case SourceKind::file:
            return "the lines of " + options.source.file.string() + "; it stops when all are done";
        case SourceKind::standard_input:
            return "the lines of standard input; it stops when all are done";
        case SourceKind::stage:
            return options.source.producer.string() + " has them";
        case SourceKind::engine:
            return options.source.endpoint.described() + " has them";
        case SourceKind::socket:
            break;
    }
    return commands.enqueue + flags + " 7000, or - for lines of input";
}

}  // namespace

Display::Display(const Options& options, const Gauge& gauge, Console& console)
    : options_(options), gauge_(gauge), console_(console) {}

std::vector<std::string> Display::paragraph() const {
    const std::string flags = flags_of(options_.address);
    const Commands commands = commands_here();
    return {fmt::format("pipeline '{}' is ready, with {} consumer{}", options_.address.name(),
                        options_.consumers, options_.consumers == 1 ? "" : "s"),
            "  events  " + source_line(options_, commands, flags),
            fmt::format("  look    {} status{}, or less {}", commands.launcher, flags,
                        typed(options_.log_directory / "info.log")),
            fmt::format("  stop    Ctrl-C, kill -TERM {}, or {} stop{}", ::getpid(),
                        commands.launcher, flags)};
}

void Display::announce(const std::string& ready) const { console_.say(paragraph(), ready); }

void Display::show_running() {
    if (!console_.has_live_line()) {
        next_ = Clock::time_point::max();
        return;
    }
    if (!console_.is_live_line_due()) {
        next_ = Clock::now() + LiveLine::kInterval;
        return;
    }
    std::string text =
        live_text(status_of(options_.address.name(), gauge_.front()), console_.columns());
    console_.show_live(text);
    const bool has_changed = text != shown_;
    next_ = Clock::now() + (has_changed ? LiveLine::kInterval : std::chrono::milliseconds(kSlow));
    shown_ = std::move(text);
}

void Display::show_drain(Clock::time_point deadline) {
    const Clock::time_point now = Clock::now();
    if (now >= deadline || now < next_drain_) {
        return;
    }
    const Status status = status_of(options_.address.name(), gauge_.front());
    left_at_stop_ = left_at_stop_.value_or(status.left);
    if (status.left == 0) {
        return;
    }
    if (console_.has_live_line()) {
        next_drain_ = now + LiveLine::kInterval;
        console_.show_live(drain_text(status, *left_at_stop_, console_.columns()));
        return;
    }
    next_drain_ = now + kSlow;
    console_.say(fmt::format("draining in_flight={} buffered={} time_left={:.1f}s",
                             status.in_flight, status.buffered,
                             std::chrono::duration<double>(deadline - now).count()));
}

}  // namespace drainpipe
