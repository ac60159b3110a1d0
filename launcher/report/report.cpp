#include "report.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "answer.hpp"
#include "descriptor.hpp"
#include "escape.hpp"
#include "log_lines.hpp"
#include "log_record.hpp"
#include "page.hpp"
#include "run_log.hpp"
#include "text_table.hpp"

namespace drainpipe {
namespace {

// Pictures of more are for nobody, and those that are written by turns in one log are fewer.
constexpr std::size_t kMostShown = 50;
constexpr std::size_t kMostRuns = 16;

[[noreturn]] void fail_to_create(const std::filesystem::path& picture, int error) {
    throw creation_failure("cannot write the picture " + picture.string(), error);
}

// A file beside another one whose place it takes, with its mode. Gone with this object where it has
// not.
class FileBeside {
  public:
    explicit FileBeside(const std::filesystem::path& path) : path_(path) {
        open();
        struct stat info {};
        if (::stat(path_.c_str(), &info) == 0) {
            ::fchmod(file_.get(), info.st_mode & 07777);
        }
    }
    ~FileBeside() {
        if (!has_taken_place_) {
            ::unlink(beside_.c_str());
        }
    }
    FileBeside(const FileBeside&) = delete;
    FileBeside& operator=(const FileBeside&) = delete;

    void write(std::string_view text) {
        if (write_all(file_.get(), text) < text.size() || ::fsync(file_.get()) != 0) {
            throw Failure(ExitCode::io, "cannot write the picture " + path_.string() + ": " +
                                            std::generic_category().message(errno));
        }
    }
    void take_place() {
        if (::rename(beside_.c_str(), path_.c_str()) != 0) {
            fail_to_create(path_, errno);
        }
        has_taken_place_ = true;
    }

  private:
    // By a name that nothing has.
    void open() {
        constexpr int kMostNames = 100;
        const std::string name = path_.string() + "." + std::to_string(::getpid());
        for (int number = 0; number < kMostNames && !file_.is_open(); ++number) {
            beside_ = number == 0 ? name : name + "." + std::to_string(number);
            file_ = Descriptor(::open(beside_.c_str(),
                                      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
            if (!file_.is_open() && errno != EEXIST) {
                break;
            }
        }
        if (!file_.is_open()) {
            fail_to_create(path_, errno);
        }
    }

    std::filesystem::path path_;
    std::filesystem::path beside_;
    Descriptor file_;
    bool has_taken_place_ = false;
};

// What is written where the path is a link, also to what is not there yet.
std::filesystem::path behind_links(std::filesystem::path path) {
    constexpr int kMostLinks = 40;
    for (int links = 0; std::filesystem::is_symlink(std::filesystem::symlink_status(path));
         ++links) {
        if (links == kMostLinks) {
            fail_to_create(path, ELOOP);
        }
        path = path.parent_path() / std::filesystem::read_symlink(path);
    }
    return path;
}

bool begins_with_record(const std::filesystem::path& path) {
    LogLines lines(path);
    const auto line = lines.next();
    return line && line->is_whole && parse_record(line->text);
}

// What is no file, as /dev/stdout, would be lost for all who use it; and a log is not replaced.
void require_replaceable(const std::filesystem::path& picture, const std::filesystem::path& log) {
    std::error_code error;
    const auto status = std::filesystem::status(picture, error);
    if (!std::filesystem::exists(status)) {
        return;
    }
    if (!std::filesystem::is_regular_file(status)) {
        throw Failure(ExitCode::cannot_create,
                      "cannot write the picture " + picture.string() + ": that is no file");
    }
    if (std::filesystem::equivalent(picture, log, error)) {
        throw Failure(ExitCode::usage, "the picture " + picture.string() +
                                           " would replace the log " + log.string() +
                                           ": name another file with -o");
    }
    if (begins_with_record(picture)) {
        throw Failure(ExitCode::usage, "the picture of " + log.string() + " would replace " +
                                           picture.string() +
                                           ", which is a log: name another file with -o");
    }
}

void write_picture(const std::filesystem::path& path, std::string_view text) {
    FileBeside file(behind_links(path));
    file.write(text);
    file.take_place();
}

// Of a folder the log that is in it.
std::filesystem::path log_at(const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::is_directory(path, error) ? path / "info.log" : path;
}

std::vector<const RunHistory*> chosen_of(const RunLog& log, bool all_runs) {
    std::vector<const RunHistory*> runs;
    for (const RunHistory& run : log.runs()) {
        if (all_runs || &run == &log.runs().back()) {
            runs.push_back(&run);
        }
    }
    return runs;
}

}  // namespace

ExitCode report(const ReportRequest& request) {
    const std::filesystem::path path = log_at(request.log);
    require_replaceable(request.picture, path);
    RunLog log(request.all_runs ? kMostShown : kMostRuns);
    log.read(path);
    const std::vector<const RunHistory*> runs = chosen_of(log, request.all_runs);
    if (runs.empty()) {
        throw Failure(ExitCode::data, "no record of a pipeline is in " + path.string() +
                                          ": is it the info.log of one?");
    }
    const LogRead read{.path = escaped(path.string()),
                       .lines = log.lines(),
                       .foreign_lines = log.foreign_lines(),
                       .other_runs = log.runs().size() - runs.size() + log.forgotten()};
    write_picture(request.picture, request.picture.extension() == ".svg" ? picture_of(*runs.back())
                                                                         : page_of(runs, read));
    print_answer(table_of(runs, read));
    return ExitCode::done;
}

}  // namespace drainpipe
