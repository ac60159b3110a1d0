#include "adopted_children.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>

#include "descriptor.hpp"

namespace drainpipe {
namespace {

// Files in /proc have no size: they are read to their end.
std::string read_proc_file(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    std::size_t size = 0;
    while (file.is_open()) {
        text.resize(size + 4096);
        const ssize_t count = ::read(file.get(), text.data() + size, text.size() - size);
        if (count <= 0) {
            break;
        }
        size += static_cast<std::size_t>(count);
    }
    text.resize(size);
    return text;
}

// As the kernel writes them: numbers, each with a blank after it.
std::vector<pid_t> pids_in(std::string_view text) {
    std::vector<pid_t> pids;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
        pid_t pid = 0;
        const auto [rest, error] = std::from_chars(at, end, pid);
        if (error == std::errc()) {
            pids.push_back(pid);
        }
        at = rest + 1;
    }
    return pids;
}

Descriptor open_children() {
    const std::string pid = std::to_string(::getpid());
    const std::string path = "/proc/" + pid + "/task/" + pid + "/children";
    return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

AdoptedChildren::AdoptedChildren() : file_(open_children()) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const std::vector<pid_t> children = this->children();
    before_.insert(children.begin(), children.end());
    has_others_ = !before_.empty() || ::getpid() == 1;
}

std::vector<pid_t> AdoptedChildren::children() const {
    // One read gives a page at most.
    std::string text;
    std::array<char, 4096> page;
    for (ssize_t count = 1; count > 0;) {
        count = ::pread(file_.get(), page.data(), page.size(), static_cast<off_t>(text.size()));
        text.append(page.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    return pids_in(text);
}

std::vector<pid_t> AdoptedChildren::list(const std::set<pid_t>& own) const {
    std::vector<pid_t> adopted = children();
    std::erase_if(adopted, [&](pid_t pid) { return own.contains(pid) || before_.contains(pid); });
    return adopted;
}

bool AdoptedChildren::kill(const std::set<pid_t>& own, std::string_view variable,
                           std::string_view value) const {
    bool has_found = false;
    for (const pid_t pid : list(own)) {
        if (::waitpid(pid, nullptr, WNOHANG) == pid) {
            has_found = true;  // its children may have come since the list
        } else if (!has_others_ || variable_of(pid, variable) == value) {
            ::kill(pid, SIGKILL);
            has_found = true;
        }
    }
    return has_found;
}

std::string variable_of(pid_t pid, std::string_view name) {
    const std::string text = read_proc_file("/proc/" + std::to_string(pid) + "/environ");
    const std::string wanted = std::string(name) + "=";
    std::string_view left = text;
    while (!left.empty()) {
        const std::string_view variable = left.substr(0, left.find('\0'));
        if (variable.starts_with(wanted)) {
            return std::string(variable.substr(wanted.size()));
        }
        left.remove_prefix(std::min(variable.size() + 1, left.size()));
    }
    return "";
}

}  // namespace drainpipe
