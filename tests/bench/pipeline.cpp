#include "pipeline.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "segment.hpp"
#include "stopwatch.hpp"

namespace drainpipe::bench {
namespace {

constexpr double kTimeout = 120;  // seconds
constexpr std::chrono::microseconds kPollInterval{500};

void wait_until(const std::function<bool()>& condition, const char* what) {
    const Stopwatch watch;
    while (!condition()) {
        if (watch.seconds() > kTimeout) {
            throw std::runtime_error(std::string("in vain: ") + what);
        }
        std::this_thread::sleep_for(kPollInterval);
    }
}

void redirect(int descriptor, const std::string& path, int flags) {
    const int file = ::open(path.c_str(), flags, 0600);
    if (file < 0 || ::dup2(file, descriptor) < 0) {
        throw std::runtime_error("cannot open " + path);
    }
    ::close(file);
}

[[noreturn]] void execute(const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    throw std::runtime_error("cannot run " + words[0]);
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string end_of(const std::string& path, std::streamoff bytes) {
    std::ifstream file(path, std::ios::ate);
    const std::streamoff size = file.tellg();
    file.seekg(std::max<std::streamoff>(0, size - bytes));
    return {std::istreambuf_iterator<char>(file), {}};
}

// Also where nobody has collected it yet.
bool is_dead(pid_t process) {
    const std::string state = text_of("/proc/" + std::to_string(process) + "/stat");
    return state.empty() || state.find(") Z ") != std::string::npos;
}

pid_t pid_in(const std::string& text, const std::string& key) {
    const auto at = text.find(key);
    return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + key.size());
}

constexpr std::size_t kTimeStampSize = 27;

// Seconds since midnight of a record: 2026-11-22T17:40:01.123456Z ...
double time_of(const std::string& record) {
    const auto number = [&](std::size_t at) { return std::atof(record.substr(at, 9).c_str()); };
    return 3600 * std::atoi(record.c_str() + 11) + 60 * std::atoi(record.c_str() + 14) + number(17);
}

double status_mib(pid_t process, const std::string& key) {
    const std::string text = text_of("/proc/" + std::to_string(process) + "/status");
    const auto at = text.find(key);
    return at == std::string::npos ? 0 : std::atof(text.c_str() + at + key.size()) / 1024;
}

}  // namespace

Pipeline::Pipeline(std::string programs) : programs_(std::move(programs)) {
    static std::atomic<int> count{0};
    name_ = "dp-bench-" + std::to_string(::getpid()) + "-p" + std::to_string(++count);
}

Pipeline::~Pipeline() {
    if (launcher_) {
        kill_all();
    }
    Segment::remove(name_);
}

double Pipeline::start(const std::vector<std::string>& flags) {
    std::vector<std::string> words{
        programs_ + "/launcher", "--name", name_, "--run-dir", directory_.file("run"), "--log-dir",
        directory_.file("log")};
    words.insert(words.end(), flags.begin(), flags.end());
    std::filesystem::remove_all(directory_.file("log"));
    const Stopwatch watch;
    launcher_ = std::make_unique<OtherProcess>([&] {
        redirect(STDOUT_FILENO, output(), O_WRONLY | O_CREAT | O_TRUNC);
        redirect(STDERR_FILENO, directory_.file("said"), O_WRONLY | O_CREAT | O_TRUNC);
        execute(words);
    });
    std::string text;
    wait_until(
        [&] {
            text = text_of(log());
            const auto ready = text.find(" ready name=");
            return ready != std::string::npos && text.find('\n', ready) != std::string::npos;
        },
        "the pipeline is ready");
    const double taken = watch.milliseconds();
    text.erase(0, text.find(" ready name="));
    producer_ = pid_in(text, " producer=");
    consumer_ = pid_in(text, " consumer=");
    return taken;
}

double Pipeline::run_enqueue(const std::string& events, const std::string& input) {
    OtherProcess client([&] {
        redirect(STDIN_FILENO, input, O_RDONLY);
        redirect(STDOUT_FILENO, "/dev/null", O_WRONLY);
        execute(
            {programs_ + "/enqueue", "--name", name_, "--run-dir", directory_.file("run"), events});
    });
    return client.wait();
}

double Pipeline::enqueue(std::uint64_t count) {
    return run_enqueue(std::to_string(count), "/dev/null");
}
double Pipeline::enqueue_file(const std::string& path) { return run_enqueue("-", path); }

void Pipeline::hold_consumer() const { ::kill(consumer_, SIGSTOP); }
void Pipeline::request_stop() const { launcher_->signal(SIGTERM); }

void Pipeline::wait() {
    const auto launcher = std::move(launcher_);
    launcher->wait();
}

void Pipeline::kill_all() {
    launcher_->signal(SIGSTOP);  // it must not restart what dies
    for (const pid_t process : {producer_, consumer_}) {
        if (process > 0) {
            ::kill(process, SIGKILL);
        }
    }
    launcher_.reset();
    wait_until([&] { return is_dead(producer_) && is_dead(consumer_); },
               "the killed processes are gone");
}

void Pipeline::wait_for_processed(std::uint64_t id) const {
    const std::string text = "processed id=" + std::to_string(id) + " ";
    wait_until([&] { return end_of(log(), 400).find(text) != std::string::npos; },
               "the last event is processed");
}

bool Pipeline::has_logged(const std::string& text) const {
    return text_of(log()).find(text) != std::string::npos;
}

double Pipeline::seconds_per_event() const {
    std::ifstream file(log());
    std::string first;
    std::string last;
    std::uint64_t events = 0;
    std::uint64_t before_last = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.find("ed id=") == std::string::npos) {
            continue;
        }
        line.resize(kTimeStampSize);
        if (first.empty()) {
            first = line;
        }
        if (line != last) {
            last = line;
            before_last = events;
        }
        ++events;
    }
    if (before_last == 0) {
        throw std::runtime_error("too few bursts of records in " + log());
    }
    const double passed = time_of(last) - time_of(first);
    return (passed < 0 ? passed + 24 * 3600 : passed) / static_cast<double>(before_last);
}

double Pipeline::seconds_between(const std::string& first, const std::string& second) const {
    const auto time_at = [text = text_of(log()), this](const std::string& part) {
        const auto at = text.find(part);
        if (at == std::string::npos) {
            throw std::runtime_error("no record with '" + part + "' in " + log());
        }
        return time_of(text.substr(text.rfind('\n', at) + 1, kTimeStampSize));
    };
    const double passed = time_at(second) - time_at(first);
    return passed < 0 ? passed + 24 * 3600 : passed;
}

double processor_seconds_of(pid_t process) {
    const std::string text = text_of("/proc/" + std::to_string(process) + "/schedstat");
    return 1e-9 * std::atof(text.c_str());
}

double own_mib_of(pid_t process) { return status_mib(process, "RssAnon:"); }
double resident_mib_of(pid_t process) { return status_mib(process, "VmRSS:"); }

}  // namespace drainpipe::bench
