#include "census.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <sstream>

#include "harness/files.hpp"

namespace soak {
namespace {

std::filesystem::path entry(pid_t pid, const char* name) {
    return std::filesystem::path("/proc") / std::to_string(pid) / name;
}

// Read in one piece, by hand: a census looks at every process of the machine.
std::string command_line(pid_t pid) {
    const int fd = ::open(entry(pid, "cmdline").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    std::string text(4096, '\0');
    const auto size = ::read(fd, text.data(), text.size());
    ::close(fd);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

std::vector<pid_t> everybody() {
    std::vector<pid_t> found;
    for (const auto& process : std::filesystem::directory_iterator("/proc")) {
        const auto name = process.path().filename().string();
        pid_t pid = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (parsed.ec == std::errc{} && *parsed.ptr == '\0') found.push_back(pid);
    }
    return found;
}

std::string value_in_status(const std::string& status, std::string_view key) {
    for (const auto line : harness::lines_of(status)) {
        if (line.starts_with(key)) return std::string(line.substr(line.find('\t') + 1));
    }
    return "?";
}

std::string state_of(pid_t pid) {
    const auto status = harness::read_text(entry(pid, "status"));
    return "state=" + value_in_status(status, "State:") +
           " threads=" + value_in_status(status, "Threads:") +
           " pending=" + value_in_status(status, "ShdPnd:") +
           " wchan=" + harness::read_text(entry(pid, "wchan")) +
           " syscall=" + harness::read_text(entry(pid, "syscall"));
}

}  // namespace

std::optional<std::string> Census::role_of(pid_t pid) const {
    const auto words = command_line(pid) + '\0';
    const auto at = words.find(mark_);
    const bool is_whole_word = at != std::string::npos && at > 0 && words[at - 1] == '\0' &&
                               words[at + mark_.size()] == '\0';
    if (!is_whole_word) return std::nullopt;
    auto role = std::filesystem::path(words.c_str()).filename().string();
    if (words.find(std::string("\0scale\0", 7)) != std::string::npos) return "scale";
    constexpr std::string_view kNumber = "--number=";
    if (const auto number = words.find(kNumber); number != std::string::npos) {
        const std::string which = words.c_str() + number + kNumber.size();
        if (which != "1") role += "." + which;
    }
    return role;
}

std::vector<Member> Census::members() const {
    std::vector<Member> found;
    for (const pid_t pid : everybody()) {
        if (auto role = role_of(pid)) found.push_back({pid, std::move(*role)});
    }
    return found;
}

std::vector<pid_t> Census::errands() const {
    auto found = everybody();
    std::erase_if(found, [this](pid_t pid) {
        const auto words = command_line(pid);
        return words.find(errand_mark_) == std::string::npos ||
               words.find(mark_) != std::string::npos;
    });
    return found;
}

std::set<pid_t> Census::zombies() const {
    std::set<pid_t> found;
    for (const auto& member : members()) {
        const auto first_thread = "task/" + std::to_string(member.pid) + "/children";
        std::istringstream children(harness::read_text(entry(member.pid, first_thread.c_str())));
        for (pid_t child = 0; children >> child;) {
            const auto status = harness::read_text(entry(child, "status"));
            if (value_in_status(status, "State:").starts_with("Z")) found.insert(child);
        }
    }
    return found;
}

std::optional<pid_t> Census::find(std::string_view role) const {
    for (const auto& member : members()) {
        if (member.role == role) return member.pid;
    }
    return std::nullopt;
}

std::string Census::describe() const {
    std::string words;
    for (const auto& [pid, role] : members()) {
        words += role + " pid=" + std::to_string(pid) + " " + state_of(pid);
        if (!words.ends_with('\n')) words += '\n';
    }
    for (const pid_t pid : errands()) {
        words += "errand pid=" + std::to_string(pid) + " " + state_of(pid);
        if (!words.ends_with('\n')) words += '\n';
    }
    return words.empty() ? "no process\n" : words;
}

bool has_mapped(pid_t pid, std::string_view path) {
    return harness::read_text(entry(pid, "maps")).find(path) != std::string::npos;
}

}  // namespace soak
