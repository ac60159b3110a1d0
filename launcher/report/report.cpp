#include "report.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "answer.hpp"
#include "descriptor.hpp"
#include "escape.hpp"
#include "page.hpp"
#include "run_log.hpp"
#include "text_table.hpp"

namespace drainpipe {
namespace {

// Pictures of more are for nobody, and those that are written by turns in one log are fewer.
constexpr std::size_t kMostShown = 50;
constexpr std::size_t kMostAtOnce = 16;

// A file beside another one whose place it takes. Gone with this object where it has not.
class FileBeside {
  public:
    explicit FileBeside(const std::filesystem::path& path)
        : path_(path), beside_(path.string() + "." + std::to_string(::getpid())) {
        ::unlink(beside_.c_str());
        file_ = Descriptor(
            ::open(beside_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
        if (!file_.is_open()) {
            throw creation_failure("cannot write the picture " + path_.string(), errno);
        }
    }
    ~FileBeside() { ::unlink(beside_.c_str()); }
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
            throw creation_failure("cannot write the picture " + path_.string(), errno);
        }
    }

  private:
    std::filesystem::path path_;
    std::filesystem::path beside_;
    Descriptor file_;
};

// What is no file, as /dev/stdout, would be lost for all who use it.
void require_file(const std::filesystem::path& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        throw Failure(ExitCode::cannot_create,
                      "cannot write the picture " + path.string() + ": that is no file");
    }
}

void write_picture(const std::filesystem::path& path, std::string_view text) {
    require_file(path);
    FileBeside file(path);
    file.write(text);
    file.take_place();
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
    RunLog log(request.all_runs ? kMostShown : kMostAtOnce);
    log.read(request.log);
    const std::vector<const RunHistory*> runs = chosen_of(log, request.all_runs);
    if (runs.empty()) {
        throw Failure(ExitCode::data, "no record of a pipeline is in " + request.log.string() +
                                          ": is it the info.log of one?");
    }
    const LogRead read{.path = escaped(request.log.string()),
                       .lines = log.lines(),
                       .foreign_lines = log.foreign_lines(),
                       .other_runs = log.runs().size() - runs.size() + log.forgotten()};
    write_picture(request.picture, request.picture.extension() == ".svg" ? picture_of(*runs.back())
                                                                         : page_of(runs, read));
    print_answer(table_of(runs, read));
    return ExitCode::done;
}

}  // namespace drainpipe
