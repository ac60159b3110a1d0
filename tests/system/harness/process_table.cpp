#include "process_table.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <iterator>
#include <sstream>

#include "await.hpp"
#include "files.hpp"

namespace harness {
namespace {

std::filesystem::path entry(pid_t pid, const char* name) {
    return std::filesystem::path("/proc") / std::to_string(pid) / name;
}

// The fields of a stat file from the state on; the program's name before them may hold spaces.
std::vector<std::string> stat_fields(const std::filesystem::path& path) {
    const auto text = read_text(path);
    const auto end_of_name = text.rfind(')');
    std::vector<std::string> fields;
    if (end_of_name == std::string::npos) return fields;
    std::istringstream words(text.substr(end_of_name + 1));
    for (std::string word; words >> word;) fields.push_back(word);
    return fields;
}

bool is_marked(pid_t pid, std::string_view mark) {
    return read_text(entry(pid, "cmdline")).find(mark) != std::string::npos ||
           read_text(entry(pid, "environ")).find(mark) != std::string::npos;
}

}  // namespace

bool is_running(pid_t pid) {
    const auto fields = stat_fields(entry(pid, "stat"));
    return !fields.empty() && fields[0] != "Z" && fields[0] != "X";
}

std::vector<pid_t> processes_marked(std::string_view mark) {
    std::vector<pid_t> found;
    for (const auto& process : std::filesystem::directory_iterator("/proc")) {
        const auto name = process.path().filename().string();
        pid_t pid = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
        const bool is_process = parsed.ec == std::errc{} && *parsed.ptr == '\0';
        if (is_process && pid != ::getpid() && is_marked(pid, mark) && is_running(pid)) {
            found.push_back(pid);
        }
    }
    return found;
}

std::string program_of(pid_t pid) {
    auto name = read_text(entry(pid, "comm"));
    if (name.ends_with('\n')) name.pop_back();
    return name;
}

std::chrono::milliseconds cpu_time(pid_t pid) {
    constexpr std::size_t kUserTime = 11;  // counted from the state
    constexpr std::size_t kSystemTime = 12;
    const auto fields = stat_fields(entry(pid, "stat"));
    if (fields.size() <= kSystemTime) return std::chrono::milliseconds{0};
    const auto ticks = std::stoll(fields[kUserTime]) + std::stoll(fields[kSystemTime]);
    return std::chrono::milliseconds{ticks * 1000 / ::sysconf(_SC_CLK_TCK)};
}

bool stands_still(pid_t pid) {
    for (const auto& thread : std::filesystem::directory_iterator(entry(pid, "task"))) {
        const auto fields = stat_fields(thread.path() / "stat");
        if (!fields.empty() && fields[0] != "T") return false;
    }
    return true;
}

void freeze(pid_t pid) {
    ::kill(pid, SIGSTOP);
    REQUIRE(await([pid] { return stands_still(pid); }));
}

std::uint64_t private_memory(pid_t pid) {
    const auto text = read_text(entry(pid, "status"));
    constexpr std::string_view kKey = "RssAnon:";
    const auto at = text.find(kKey);
    if (at == std::string::npos) return 0;
    return std::stoull(text.substr(at + kKey.size())) * 1024;
}

std::vector<pid_t> children_of(pid_t pid) {
    const auto id = std::to_string(pid);
    std::istringstream list(read_text("/proc/" + id + "/task/" + id + "/children"));
    return {std::istream_iterator<pid_t>(list), {}};
}

}  // namespace harness
