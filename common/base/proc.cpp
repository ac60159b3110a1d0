#include "proc.hpp"

#include <sys/stat.h>

#include <fstream>
#include <string>

namespace drainpipe {

char process_state(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(stat, text);
    const auto name_end = text.rfind(") ");
    return name_end == std::string::npos || name_end + 2 >= text.size() ? 'X' : text[name_end + 2];
}

std::uint64_t own_pid_namespace() {
    struct stat info {};
    return ::stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0;
}

std::string to_text(std::span<const pid_t> pids) {
    std::string text;
    for (const pid_t pid : pids) {
        text.append(text.empty() ? "" : ",").append(std::to_string(pid));
    }
    return text;
}

}  // namespace drainpipe
