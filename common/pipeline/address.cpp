#include "address.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "failure.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kMaxName = 64;

// Root's run directory, and in it one for each pipeline that the system runs as a service.
constexpr const char* kSystemDirectory = "/run/drainpipe";

bool is_name_character(char character) {
    constexpr std::string_view kAllowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return kAllowed.find(character) != std::string_view::npos;
}

// In the order in which they are preferred.
std::vector<std::filesystem::path> default_run_directories() {
    std::vector<std::filesystem::path> directories;
    if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime && *runtime == '/') {
        directories.push_back(std::filesystem::path(runtime) / "drainpipe");
    }
    if (::geteuid() == 0) {
        directories.emplace_back(kSystemDirectory);
    } else {
        // Where a login session would have it, for who has none.
        directories.push_back("/run/user/" + std::to_string(::geteuid()) + "/drainpipe");
        directories.push_back("/tmp/drainpipe-" + std::to_string(::geteuid()));
    }
    return directories;
}

bool has_room_for_socket(const std::filesystem::path& path) {
    return path.native().size() < sizeof(sockaddr_un::sun_path);
}

std::filesystem::path default_run_directory() {
    const std::vector<std::filesystem::path> directories = default_run_directories();
    const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
    return runtime && *runtime == '/' ? directories.front() : directories.back();
}

std::filesystem::path without_trailing_slash(const std::filesystem::path& path) {
    const std::filesystem::path plain = path.lexically_normal();
    return plain.has_filename() ? plain : plain.parent_path();
}

}  // namespace

Address::Address(const std::string& name, const std::string& run_directory,
                 const std::string& name_origin, const std::string& run_directory_origin)
    : name_(name),
      run_directory_(without_trailing_slash(std::filesystem::absolute(
          run_directory.empty() ? default_run_directory() : std::filesystem::path(run_directory)))),
      is_default_(run_directory.empty()) {
    if (name.empty() || name.size() > kMaxName || name.front() == '.' ||
        !std::all_of(name.begin(), name.end(), is_name_character)) {
        throw Failure(ExitCode::usage, name_origin + ": '" + name +
                                           "' is not 1 to 64 of A-Z a-z 0-9 . _ - that do not "
                                           "start with a dot");
    }
    if (!has_room_for_socket(socket_path())) {
        throw Failure(ExitCode::usage, run_directory_origin + ": '" + run_directory_.string() +
                                           "' is too long for a socket's path");
    }
}

std::string Address::log_label() const {
    return name_ == kDefaultName ? "" : "name=" + name_ + " ";
}

void Address::fail_not_running() const {
    throw Failure(ExitCode::unavailable, "no " + describe() + " is running");
}

std::vector<Address> Address::candidates() const {
    std::vector<Address> candidates{*this};
    if (!is_default_) {
        return candidates;
    }
    for (const std::filesystem::path& directory : default_run_directories()) {
        if (directory != run_directory_) {
            candidates.emplace_back(name_, directory.string());
        }
    }
    const std::filesystem::path of_service = std::filesystem::path(kSystemDirectory) / name_;
    if (has_room_for_socket(of_service / (name_ + ".sock"))) {
        candidates.emplace_back(name_, of_service.string());
    }
    return candidates;
}

bool Address::prepare_run_directory(std::optional<gid_t> group) const {
    std::error_code error;
    std::filesystem::create_directories(run_directory_.parent_path(), error);
    const bool is_made = ::mkdir(run_directory_.c_str(), 0700) == 0;
    if (!is_made && errno != EEXIST) {
        throw creation_failure("cannot make the run directory " + run_directory_.string(), errno);
    }
    struct stat info {};
    if (::stat(run_directory_.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
        throw Failure(ExitCode::cannot_create, run_directory_.string() + " is not a directory");
    }
    if (info.st_uid != ::geteuid()) {
        throw Failure(ExitCode::cannot_create, "the run directory " + run_directory_.string() +
                                                   " belongs to another user (uid " +
                                                   std::to_string(info.st_uid) + ")");
    }
    // As /run/drainpipe is, with the services' directories in it.
    const bool is_open_to_all = (info.st_mode & S_IXOTH) != 0;
    if (group && !is_open_to_all &&
        (::chown(run_directory_.c_str(), static_cast<uid_t>(-1), *group) != 0 ||
         ::chmod(run_directory_.c_str(), 0750) != 0)) {
        throw creation_failure("cannot give the run directory " + run_directory_.string() +
                                   " to group " + std::to_string(*group),
                               errno);
    }
    return is_made;
}

std::filesystem::path own_directory() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace drainpipe
