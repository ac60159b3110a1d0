#include "pipeline.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

#include "process_table.hpp"

namespace harness {

Pipeline::Pipeline(std::filesystem::path programs) : programs_(std::move(programs)) {}

Pipeline::~Pipeline() {
    launcher_.reset();
    for (const auto pid : processes_marked(name_)) ::kill(pid, SIGKILL);
    (void)await([this] { return processes_marked(name_).empty(); }, std::chrono::seconds{5});
    std::error_code ignored;
    std::filesystem::remove_all(segment(), ignored);
}

Command Pipeline::command(std::string_view program, const Flags& arguments) const {
    Command command;
    command.words = {programs_ / program, "--name", name_, "--run-dir", run_dir()};
    command.words.insert(command.words.end(), arguments.begin(), arguments.end());
    command.environment["SYSTEM_TEST_PIPELINE"] = name_;
    command.directory = directory();
    return command;
}

Command Pipeline::launcher_command(const Flags& flags) const {
    auto launcher = command("launcher", {"--log-dir", log_dir()});
    const char* const consumer = std::getenv("SYSTEM_TEST_CONSUMER");
    if (consumer != nullptr) {
        // A test may kill more often than an event has tries by default.
        launcher.words.insert(launcher.words.end(), {"--consumer", consumer, "--retries", "100"});
    }
    for (std::size_t at = 0; at < flags.size(); ++at) {
        if (flags[at] == "--event-delay" && consumer != nullptr) {
            launcher.environment["OWN_DELAY"] = flags.at(++at);
        } else {
            launcher.words.push_back(flags[at]);
        }
    }
    return launcher;
}

Process& Pipeline::launch(const Flags& flags) { return launch(launcher_command(flags)); }

Process& Pipeline::launch(Command command) {
    launcher_.reset();
    // A killed writer's torn end is not there any more once the next one has written.
    log_start_ = read_text(log_file()).rfind('\n') + 1;
    command.output = new_file("launcher-output");
    command.errors = new_file("launcher-errors");
    return launcher_.emplace(command);
}

void Pipeline::start(const Flags& flags) { start(launcher_command(flags)); }

void Pipeline::start(Command command) {
    auto& process = launch(std::move(command));
    const auto is_decided = [&] { return process.has_ended() || !log().first("ready ").empty(); };
    const bool is_in_time = await(is_decided);
    INFO("standard error of the launcher: ", errors());
    REQUIRE(is_in_time);
    REQUIRE(process.wait(std::chrono::milliseconds{0}) == Process::kStillRunning);
}

std::optional<pid_t> Pipeline::stage(std::string_view role) const {
    for (const auto pid : processes_marked(name_)) {
        if (program_of(pid) == role) return pid;
    }
    return std::nullopt;
}

std::optional<pid_t> Pipeline::consumer(unsigned number) const {
    const auto mark = "--number=" + std::to_string(number) + '\0';
    for (const auto pid : processes_marked(name_)) {
        const auto words = read_text("/proc/" + std::to_string(pid) + "/cmdline");
        if (program_of(pid) == "consumer" && words.find(mark) != std::string::npos) return pid;
    }
    return std::nullopt;
}

int Pipeline::scale(unsigned consumers) const {
    return run(command("launcher", {"scale", std::to_string(consumers)})).code;
}

int Pipeline::stop(int signal, std::chrono::milliseconds limit) {
    launcher().send(signal);
    return launcher().wait(limit);
}

int Pipeline::kill_all() {
    // Stopped, the launcher can't react to its children's death; dying last, nor can they to its.
    const auto pid = launcher().pid();
    launcher().send(SIGSTOP);
    REQUIRE(await([&] { return launcher().has_ended() || stands_still(pid); }));
    auto pids = children_of(pid);  // one that is about to begin bears no mark yet
    for (const auto marked : processes_marked(name_)) {
        const bool is_ours = marked != pid && program_of(marked) != "enqueue";
        if (is_ours && std::ranges::find(pids, marked) == pids.end()) pids.push_back(marked);
    }
    for (const auto each : pids) ::kill(each, SIGSTOP);
    for (const auto each : pids) ::kill(each, SIGKILL);
    launcher().send(SIGKILL);
    const int code = launcher().wait();
    REQUIRE(await([&] { return std::ranges::none_of(pids, is_running); }));
    return code;
}

Process Pipeline::enqueue(std::uint64_t count) {
    auto client = command("enqueue", {std::to_string(count)});
    client.output = new_file("enqueue-output");
    client.errors = new_file("enqueue-errors");
    return Process(client);
}

Process Pipeline::enqueue_text(std::string_view text) {
    auto client = command("enqueue", {"-"});
    client.input = new_file("enqueue-input");
    client.output = new_file("enqueue-output");
    client.errors = new_file("enqueue-errors");
    write_text(client.input, text);
    return Process(client);
}

std::uint64_t Pipeline::enqueue_all(std::string_view text) {
    auto client = enqueue_text(text);
    const int code = client.wait();
    INFO("standard error of enqueue: ", client.errors());
    REQUIRE(code == 0);
    const auto accepted = accepted_by(client.output());
    REQUIRE(accepted.has_value());
    return *accepted;
}

bool Pipeline::await_record(std::string_view words, std::chrono::milliseconds limit) const {
    return await([&] { return !log().first(words).empty(); }, limit);
}

bool Pipeline::await_output(std::uint64_t events, std::chrono::milliseconds limit) const {
    const auto has_come = [&] {
        const auto text = output();
        return std::ranges::count(text, '\n') >= static_cast<std::ptrdiff_t>(events);
    };
    return await(has_come, limit);
}

std::string Pipeline::leftovers() const {
    std::string found;
    for (const auto& path : {segment(), socket(), control(), lock()}) {
        if (std::filesystem::exists(std::filesystem::symlink_status(path))) {
            found += path.string() + " ";
        }
    }
    for (const auto pid : processes_marked(name_)) {
        found += "process " + program_of(pid) + " " + std::to_string(pid) + " ";
    }
    return found;
}

std::filesystem::path Pipeline::new_file(std::string_view stem) {
    return directory() / (std::string(stem) + "." + std::to_string(++files_));
}

namespace {

// Whether the ring's lock is in its hands: the first word of a mutex is its owner.
bool holds_lock(const Pipeline& pipeline, pid_t pid) {
    constexpr std::size_t kLockOffset = 64;
    std::uint32_t owner = 0;
    std::ifstream segment(pipeline.segment(), std::ios::binary);
    segment.seekg(kLockOffset);
    segment.read(reinterpret_cast<char*>(&owner), sizeof owner);
    return static_cast<pid_t>(owner & 0x3fffffff) == pid;
}

}  // namespace

void freeze_without_lock(const Pipeline& pipeline, pid_t pid) {
    freeze(pid);
    while (holds_lock(pipeline, pid)) {
        ::kill(pid, SIGCONT);
        let_pass(std::chrono::milliseconds(1));
        freeze(pid);
    }
}

void freeze_with_lock(const Pipeline& pipeline, pid_t pid) {
    freeze(pid);
    for (int tries = 0; !holds_lock(pipeline, pid); ++tries) {
        ::kill(pid, SIGCONT);
        let_pass(std::chrono::microseconds(tries * 37 % 1000));
        freeze(pid);
    }
}

std::optional<std::uint64_t> accepted_by(std::string_view client_output) {
    const auto lines = lines_of(client_output);
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        if (const auto accepted = number_of(*line, "accepted")) return accepted;
    }
    return std::nullopt;
}

}  // namespace harness
