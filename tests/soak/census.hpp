#pragma once

// Who runs under one pipeline's name, as the kernel tells it: the processes whose command line has
// the word --name=NAME. Zombies have no command line and so are not among them.

#include <sys/types.h>

#include <optional>
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
    explicit Census(const std::string& name) : mark_("--name=" + name) {}

    [[nodiscard]] std::vector<Member> members() const;
    // The process of that role; nothing when there is none.
    [[nodiscard]] std::optional<pid_t> find(std::string_view role) const;
    // One line for each process: role, pid, and what /proc says it is doing.
    [[nodiscard]] std::string describe() const;

  private:
    // The role of the process if it is a member.
    [[nodiscard]] std::optional<std::string> role_of(pid_t pid) const;

    const std::string mark_;
};

// Whether the process has that file mapped.
bool has_mapped(pid_t pid, std::string_view path);

}  // namespace soak
