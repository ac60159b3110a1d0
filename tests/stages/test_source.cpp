// A queue in a directory, as the source of --source test://CLIENT@local/DIRECTORY. It does on files
// what queues of other engines do in the network:
//
//     messages   line n is message n
//     acks       what the queue was told: "done 17", "dead 17", "given_back 17", with blanks behind
//     holder     the client that messages are delivered to, and until when nobody else gets them
//     lease      how long that is, in ms [5000]
//     down       while it is there the queue can't be reached
//
// A message that is neither done nor dead is delivered to its holder as often as that asks, and to
// another client once the holder's time is over. docs/adapters.md goes through this program.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "drainpipe/source.hpp"

namespace {

using namespace std::chrono_literals;
using drainpipe::Fate;
using drainpipe::HeldEvent;
using drainpipe::SourceIntake;
using LeaseTime = SourceIntake::LeaseTime;

constexpr auto kWhileDown = 20ms;
constexpr auto kWhileUp = 10ms;
constexpr std::size_t kMostAtOnce = 100;

// What the ring keeps for a message besides its parts, at most.
constexpr std::size_t kBesides = 32;

// A line of `acks`, and the one of `holder`.
constexpr std::size_t kAckBytes = 32;
constexpr std::size_t kHolderBytes = 128;

// The text between the scheme and an @, if there is one.
std::string client_of(const std::string& url) {
    const std::size_t begin = url.find("://") + 3;
    const std::size_t end = url.find('@', begin);
    return end == std::string::npos ? "nobody" : url.substr(begin, end - begin);
}

std::string path_of(const std::string& url) {
    return url.substr(url.find('/', url.find("://") + 3));
}

const char* word_of(Fate fate) {
    return fate == Fate::done ? "done" : fate == Fate::dead ? "dead" : "given_back";
}

// The queue's own time.
LeaseTime now() { return SourceIntake::lease_clock(); }

// A file that others append whole lines to.
class GrowingFile {
  public:
    explicit GrowingFile(std::filesystem::path path) : path_(std::move(path)) {}

    // Gives each line that was added since.
    template <typename Take>
    void read(Take take) {
        std::ifstream file(path_);
        file.seekg(position_);
        for (std::string line; std::getline(file, line);) {
            position_ += static_cast<std::streamoff>(line.size()) + 1;
            take(line);
        }
    }

  private:
    std::filesystem::path path_;
    std::streamoff position_ = 0;
};

// The engine, as its client library would show it.
class Queue {
  public:
    Queue(std::filesystem::path directory, std::string client)
        : directory_(std::move(directory)),
          client_(std::move(client)),
          acks_(
              ::open((directory_ / "acks").c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600)),
          holder_(::open((directory_ / "holder").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
        std::ifstream(directory_ / "lease") >> lease_ms_;
    }
    ~Queue() {
        ::close(acks_);
        ::close(holder_);
    }
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    bool is_up() const { return !is_down() && !is_missing(); }
    // It can be reached, and is not there.
    bool is_missing() const {
        return !is_down() && !std::filesystem::exists(directory_ / "messages");
    }
    std::chrono::milliseconds lease() const { return std::chrono::milliseconds(lease_ms_); }

    // Messages and acknowledgements that were added since, by anybody.
    void read() {
        messages_file_.read([this](const std::string& line) { messages_.push_back(line); });
        acks_file_.read([this](const std::string& line) {
            const std::size_t space = line.find(' ');
            const bool is_given_back = line.substr(0, space) == word_of(Fate::given_back);
            (is_given_back ? delivered_ : acknowledged_).insert(std::stoull(line.substr(space)));
        });
    }

    // Has messages delivered to this client alone for a lease from now on, and false where another
    // one has them.
    bool hold() {
        ::flock(acks_, LOCK_EX);
        std::string line(kHolderBytes, ' ');
        std::string holder;
        LeaseTime::rep until = 0;
        if (::pread(holder_, line.data(), line.size(), 0) > 0) {
            std::istringstream(line) >> holder >> until;
        }
        const bool is_free = holder == client_ || LeaseTime(until) <= now();
        if (is_free) {
            // In place: a file system writes what replaces a file to its disk, and waits for that.
            store(holder_, client_ + ' ' + std::to_string((now() + lease()).count()), kHolderBytes);
        }
        ::flock(acks_, LOCK_UN);
        return is_free;
    }

    std::uint64_t size() const { return messages_.size(); }
    std::uint64_t pending() const { return messages_.size() - acknowledged_.size(); }
    const std::string& message(std::uint64_t number) const { return messages_[number - 1]; }
    bool is_acknowledged(std::uint64_t number) const { return acknowledged_.contains(number); }
    // Gives it out: whether it was before, as far as this connection knows.
    bool deliver(std::uint64_t number) { return !delivered_.insert(number).second; }

    // Returns when the queue has stored it.
    void tell(const std::string& number, Fate fate) {
        store(acks_, word_of(fate) + (" " + number), kAckBytes);
    }

  private:
    bool is_down() const { return std::filesystem::exists(directory_ / "down"); }

    // Lines are of one length that parts a page evenly: the kernel writes each as a whole then, and
    // shows it so.
    static void store(int file, std::string line, std::size_t bytes) {
        line.resize(bytes - 1, ' ');
        line += '\n';
        if (::pwrite(file, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
            throw std::runtime_error("the queue does not take " + line);
        }
    }

    std::filesystem::path directory_;
    std::string client_;
    int acks_;  // pwrite() appends to it too, as Linux has O_APPEND
    int holder_;
    std::int64_t lease_ms_ = 5000;
    GrowingFile messages_file_{directory_ / "messages"};
    GrowingFile acks_file_{directory_ / "acks"};
    std::vector<std::string> messages_;
    std::set<std::uint64_t> acknowledged_;
    std::set<std::uint64_t> delivered_;
};

// One connection's worth of what a source does.
class Shuttle {
  public:
    Shuttle(SourceIntake& intake, Queue& queue) : intake_(intake), queue_(queue) {}

    void run() {
        while (!intake_.is_over()) {
            if (queue_.is_missing() && !intake_.has_been_connected()) {
                intake_.refuse(69, "there is no such queue: " + intake_.endpoint().described());
                return;
            }
            const bool is_up = queue_.is_up();
            if (is_up) {
                exchange();
            } else {
                intake_.report({});
            }
            take_fates(intake_.wait_for_fates(SourceIntake::Clock::now() +
                                              (is_up ? kWhileUp : kWhileDown)));
            if (queue_.is_up()) {
                tell_fates();
            }
        }
    }

  private:
    void exchange() {
        queue_.read();
        const bool is_holder = renew_lease();
        intake_.report({.is_connected = true,
                        .pending = queue_.pending(),
                        .ack_pending = intake_.held().size()});
        if (intake_.is_giving_back()) {
            intake_.withdraw({});
        } else if (is_holder && !intake_.is_closing()) {
            deliver();
        }
    }

    // Whether this client has the messages. Where there was no lease any more when the queue had
    // answered, another one may have had them in between: what is held is taken back, and the new
    // lease is of nothing.
    bool renew_lease() {
        const LeaseTime asked_at = now();
        const bool is_holder = queue_.hold();
        const bool was_over = now() >= intake_.lease();
        if (was_over) {
            withdraw_all();
        }
        if (is_holder || was_over) {
            intake_.set_lease(asked_at + queue_.lease() * 3 / 4);
        }
        return is_holder;
    }

    void withdraw_all() {
        std::vector<std::uint64_t> ids;
        for (const HeldEvent& event : intake_.held()) {
            if (!event.fate) {
                ids.push_back(event.id);
            }
        }
        intake_.withdraw(ids);
    }

    // Puts in what is neither here nor acknowledged, from next_ on, as far as there is room.
    void deliver() {
        if (SourceIntake::Clock::now() >= again_at_) {
            next_ = 1;
            again_at_ = SourceIntake::Clock::now() + queue_.lease() / 2;
        }
        std::deque<std::string> texts;  // that messages refer to
        std::vector<drainpipe::Message> messages;
        SourceIntake::Room room = intake_.room();
        for (; next_ <= queue_.size() && messages.size() < kMostAtOnce && room.events > 0;
             ++next_) {
            if (queue_.is_acknowledged(next_) || intake_.find(next_) != SourceIntake::Known::no) {
                continue;
            }
            const std::string& token = texts.emplace_back(std::to_string(next_));
            const std::string& attributes = texts.emplace_back("TEST_NUMBER=" + token + '\0');
            const std::string& payload = queue_.message(next_);
            const std::size_t bytes = payload.size() + token.size() + attributes.size() + kBesides;
            if (bytes > room.bytes) {
                break;
            }
            room.bytes -= bytes;
            room.events -= 1;
            messages.push_back({.payload = payload,
                                .key = next_,
                                .token = token,
                                .attributes = attributes,
                                .is_redelivered = queue_.deliver(next_)});
        }
        intake_.push(messages);
    }

    void take_fates(const std::vector<HeldEvent>& fates) {
        ended_.insert(ended_.end(), fates.begin(), fates.end());
    }

    // Each is settled once the queue has it, and not before.
    void tell_fates() {
        std::vector<std::uint64_t> settled;
        for (const HeldEvent& event : ended_) {
            queue_.tell(event.token, *event.fate);
            settled.push_back(event.id);
            if (*event.fate == Fate::given_back) {
                again_at_ = {};  // it is delivered again at once
            }
        }
        intake_.settle(settled);
        ended_.clear();
    }

    SourceIntake& intake_;
    Queue& queue_;
    std::uint64_t next_ = 1;
    SourceIntake::Clock::time_point again_at_;
    std::vector<HeldEvent> ended_;  // that the queue is to be told of
};

void run(SourceIntake& intake) {
    const std::string& url = intake.endpoint().url;
    if (!std::filesystem::is_directory(path_of(url))) {
        intake.refuse(69, "there is no such queue: " + intake.endpoint().described());
        return;
    }
    Queue queue(path_of(url), client_of(url));
    Shuttle(intake, queue).run();
}

}  // namespace

int main(int argc, char** argv) { return drainpipe::run_source(argc, argv, run); }
