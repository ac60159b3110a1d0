#pragma once

// Who runs under one pipeline's name, as the kernel tells it: the processes whose command line has
// the word --name=NAME. Zombies have no command line and so are not among them.

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace soak {

struct Member {
    pid_t pid;
    std::string role;  // the program's file name
};

class Census {
  public:
    explicit Census(const std::string& name)
        : mark_("--name=" + name), errand_mark_("/" + name + "/") {}

    [[nodiscard]] std::vector<Member> members() const;
    // What runs from the room's directory, whoever started it and wherever it hides.
    [[nodiscard]] std::vector<pid_t> errands() const;
    // Dead children of members that these have not reaped.
    [[nodiscard]] std::set<pid_t> zombies() const;
    // The process of that role; nothing when there is none.
    [[nodiscard]] std::optional<pid_t> find(std::string_view role) const;
    // One line for each process: role, pid, and what /proc says it is doing.
    [[nodiscard]] std::string describe() const;

  private:
    // The role of the process if it is a member.
    [[nodiscard]] std::optional<std::string> role_of(pid_t pid) const;

    const std::string mark_;
    const std::string errand_mark_;
};

// Whether the process has that file mapped.
bool has_mapped(pid_t pid, std::string_view path);

}  // namespace soak
