#include "room.hpp"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "census.hpp"
#include "harness/await.hpp"
#include "harness/programs.hpp"

namespace soak {
namespace {

std::filesystem::path make_directory() {
    const auto stem = "dp-soak-" + std::to_string(::getpid()) + "-XXXXXX";
    auto form = (std::filesystem::temp_directory_path() / stem).string();
    if (::mkdtemp(form.data()) == nullptr) {
        throw std::system_error(errno, std::generic_category(), "make directory " + form);
    }
    return form;
}

}  // namespace

Room::Room() : directory_(make_directory()), name_(directory_.filename().string()) {}

Room::~Room() {
    end_processes();
    std::error_code ignored;
    std::filesystem::remove_all(segment(), ignored);
    if (!is_kept_) std::filesystem::remove_all(directory_, ignored);
}

harness::Command Room::command(std::string_view program,
                               const std::vector<std::string>& arguments) const {
    harness::Command command;
    command.words = {harness::program(program), "--name=" + name_,
                     "--run-dir=" + run_dir().string()};
    command.words.insert(command.words.end(), arguments.begin(), arguments.end());
    command.directory = directory_;
    return command;
}

std::filesystem::path Room::new_file(std::string_view stem) {
    return directory_ / (std::string(stem) + "." + std::to_string(++files_));
}

std::string Room::running() const {
    std::string found;
    for (const auto& [pid, role] : Census(name_).members()) {
        if (role != "enqueue" && role != "scale")
            found += role + " pid=" + std::to_string(pid) + " ";
    }
    for (const pid_t pid : Census(name_).errands()) {
        found += "errand pid=" + std::to_string(pid) + " ";
    }
    return found;
}

std::string Room::left_files() const {
    std::string found;
    std::error_code ignored;
    if (std::filesystem::exists(segment(), ignored)) found += segment().string() + " ";
    for (const auto& file : std::filesystem::directory_iterator(run_dir(), ignored)) {
        found += file.path().string() + " ";
    }
    return found;
}

void Room::keep() {
    is_kept_ = true;
    std::error_code ignored;
    std::filesystem::copy_file(segment(), directory_ / "segment", ignored);
}

void Room::end_processes() const {
    const Census census(name_);
    const auto are_gone = [&] {
        const auto members = census.members();
        for (const auto& member : members) ::kill(member.pid, SIGKILL);
        const auto errands = census.errands();
        for (const pid_t errand : errands) ::kill(errand, SIGKILL);
        return members.empty() && errands.empty();
    };
    (void)harness::await(are_gone, std::chrono::seconds{5});
}

}  // namespace soak
