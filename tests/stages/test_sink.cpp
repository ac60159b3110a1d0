// A sink, as tests want one: test://file/PATH appends each result to that file, as a line
// "RUN-ID RESULT$", and says in its log that it is connected. A line without its end is what a kill
// has left of a long write. A thread of its own does, and settles the tokens, many at a time. What
// a payload says is to become of it:
//
//     refuse N TEXT    a retry for N attempts, then as any other
//     give up TEXT     to the dead letters

#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <drainpipe/sink.hpp>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

// Writes results to a file and settles their tokens, in its own thread.
class FileWriter {
  public:
    explicit FileWriter(const std::string& path)
        : file_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)),
          thread_([this] { run(); }) {}
    ~FileWriter() {
        {
            const std::lock_guard guard(mutex_);
            is_closing_ = true;
        }
        changed_.notify_one();
        thread_.join();
        ::close(file_);
    }
    FileWriter(const FileWriter&) = delete;
    FileWriter& operator=(const FileWriter&) = delete;

    void add(drainpipe::Token token, std::string_view result) {
        const std::lock_guard guard(mutex_);
        waiting_.emplace_back(std::move(token), result);
        changed_.notify_one();
    }

  private:
    using Waiting = std::vector<std::pair<drainpipe::Token, std::string_view>>;

    void run() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return is_closing_ || !waiting_.empty(); });
            if (is_closing_) {
                return;
            }
            Waiting now = std::exchange(waiting_, {});
            lock.unlock();
            write(now);
            lock.lock();
        }
    }

    void write(Waiting& waiting) const {
        std::string lines = "\n";
        for (const auto& [token, result] : waiting) {
            lines.append(token.event().run())
                .append("-")
                .append(std::to_string(token.event().id()));
            lines.append(" ").append(result).append("$\n");
        }
        const bool is_written =
            ::write(file_, lines.data(), lines.size()) == static_cast<ssize_t>(lines.size());
        for (auto& [token, result] : waiting) {
            token.settle(is_written ? drainpipe::done() : drainpipe::retry("cannot write"));
        }
    }

    int file_;
    std::mutex mutex_;
    std::condition_variable changed_;
    Waiting waiting_;
    bool is_closing_ = false;
    std::thread thread_;
};

drainpipe::SinkHandler make_sink(drainpipe::SinkHost& host) {
    const std::string& url = host.endpoint().url;
    const auto slash = url.find('/', url.find("://") + 3);
    const auto writer = std::make_shared<FileWriter>(url.substr(slash));
    host.report_connected(true);
    return [writer](drainpipe::Token token, std::string_view result) {
        const std::string payload(token.event().payload());
        if (payload.rfind("refuse ", 0) == 0 &&
            token.event().attempt() <= std::stoul(payload.substr(7))) {
            throw std::runtime_error("as it was told");
        }
        if (payload.rfind("give up ", 0) == 0) {
            token.settle(drainpipe::dead("as it was told"));
            return;
        }
        writer->add(std::move(token), result);
    };
}

}  // namespace

int main(int argc, char** argv) { return drainpipe::run_sink(argc, argv, make_sink); }
