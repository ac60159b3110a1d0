// Counts words, exactly, whatever is killed. An event is a word; each word has a file with its
// count:
//
//     launcher --consumer ./wordcount --consumers 4 --partition-by 1
//
// Delivery is at least once: after a kill some events come again. --partition-by has the events of
// one word done in the order of their ids, one at a time, by one consumer, also across kills. So a
// file needs to know no more than the last event that is in its count: one that is no newer is a
// repeat. Which of the consumers has the word does not matter, and may change.
//
// The file changes by one write of a few bytes, of which a kill leaves all or nothing:
//
//     killed before it    the event is not counted, and not committed: it comes again, and is
//     killed after it     the event is counted, and not committed: it comes again as a repeat
//
// The files outlive processes, as the events in shared memory do. Neither outlives a power failure.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include "drainpipe/consumer.hpp"

namespace {

// A word's count, and the last event that is in it.
struct Count {
    std::uint64_t events = 0;
    std::uint64_t last_id = 0;
    std::string run;
};

class CountFile {
  public:
    explicit CountFile(const std::string& path)
        : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
        require(fd_ >= 0);
    }
    CountFile(const CountFile&) = delete;
    CountFile& operator=(const CountFile&) = delete;
    ~CountFile() { ::close(fd_); }

    // Of a file that is empty yet: zero.
    Count read() const {
        Line line{};
        require(::pread(fd_, line.data(), line.size() - 1, 0) >= 0);
        Count count;
        std::array<char, 17> run{};
        std::sscanf(line.data(), "%" SCNu64 " %" SCNu64 " %16s", &count.events, &count.last_id,
                    run.data());
        count.run = run.data();
        return count;
    }

    // The line has the same length at all times, and lies in one page of the file.
    void write(const Count& count) {
        Line line{};
        const int length =
            std::snprintf(line.data(), line.size(), "%20" PRIu64 " %20" PRIu64 " %s\n",
                          count.events, count.last_id, count.run.c_str());
        require(::pwrite(fd_, line.data(), static_cast<std::size_t>(length), 0) == length);
    }

  private:
    using Line = std::array<char, 64>;

    static void require(bool is_done) {
        if (!is_done) {
            throw std::system_error(errno, std::generic_category(), "the file of a word");
        }
    }

    int fd_;
};

bool is_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](char each) { return each >= 'a' && each <= 'z'; });
}

}  // namespace

int main(int argc, char** argv) {
    const char* const variable = std::getenv("WORDCOUNT_DIRECTORY");
    const std::string directory = variable == nullptr ? "counts" : variable;
    ::mkdir(directory.c_str(), 0755);

    return drainpipe::consume(argc, argv, [&](const drainpipe::Event& event) {
        if (!is_word(event.payload())) {
            return drainpipe::dead("not a word of the letters a to z");
        }
        CountFile file(directory + "/" + std::string(event.payload()));
        const Count count = file.read();
        const bool is_repeat = count.run == event.run() && event.id() <= count.last_id;
        if (!is_repeat) {
            file.write({count.events + 1, event.id(), std::string(event.run())});
        }
        return drainpipe::done();
    });
}
