#include "strays.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <system_error>
#include <thread>
#include <vector>

#include "adopted_children.hpp"
#include "pidfd.hpp"

namespace drainpipe {
namespace {

constexpr std::chrono::seconds kLongest{1};
constexpr std::chrono::milliseconds kBetweenLooks{5};

// 0 where there is no such process, or it has none.
pid_t parent_of(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    stat.ignore(std::numeric_limits<std::streamsize>::max(), ')');
    char state = 0;
    pid_t parent = 0;
    stat >> state >> parent;
    return parent;
}

std::set<pid_t> own_line() {
    std::set<pid_t> line;
    for (pid_t pid = ::getpid(); pid > 0 && line.insert(pid).second;) {
        pid = parent_of(pid);
    }
    return line;
}

std::vector<pid_t> all_processes() {
    std::vector<pid_t> processes;
    std::error_code error;
    for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename();
        pid_t pid = 0;
        const char* const name_end = name.data() + name.size();
        const auto [rest, fault] = std::from_chars(name.data(), name_end, pid);
        if (fault == std::errc() && rest == name_end) {
            processes.push_back(pid);
        }
    }
    return processes;
}

// Whether there was any. The descriptor comes before the look: what it looks at is what it kills.
bool kill_strays(const std::string& run, const std::set<pid_t>& spared) {
    bool has_any = false;
    for (const pid_t pid : all_processes()) {
        if (spared.contains(pid)) {
            continue;
        }
        const Descriptor process = open_pidfd(pid);
        if (process.is_open() && variable_of(pid, kRunVariable) == run) {
            send_signal(process, SIGKILL);
            has_any = true;
        }
    }
    return has_any;
}

}  // namespace

void end_strays_of(const std::string& run) {
    const std::set<pid_t> spared = own_line();
    // Counted in looks: time in which nothing ran does not count.
    for (auto left = kLongest / kBetweenLooks; left > 0 && kill_strays(run, spared); --left) {
        std::this_thread::sleep_for(kBetweenLooks);
    }
}

}  // namespace drainpipe
