// The consumer of a soak's rounds of stages: mostly it does as it should, and else it fails,
// throws, rejects, takes its time, lets go of a token or dies. Which of these it does to an event
// is settled by the event's id, the attempt and the round's seed. What the round wants stands in
// the file `orders` beside the program, as it was called: a line "NAME NUMBER" for each.
//
//     seed N
//     async 0|1        settle tokens, from a few threads, in no order
//     batch N          take up to N events together, which fail or die together; 0: one by one
//     failures N       so many of a thousand attempts come to that; so below
//     rejections N
//     killings N       its own, noted in the file `killings` as "PID SIGNAL" before
//     late N
//     lost N           tokens that go away unsettled
//
// The last thing before a success is a line "RUN ATTEMPT PAYLOAD" in the file `effects`.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drainpipe/consumer.hpp"
#include "settlers.hpp"

namespace {

// A file that is written to in whole lines: those of several processes do not mix.
class Notes {
  public:
    explicit Notes(const std::filesystem::path& path)
        : fd_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644)) {}

    void add(const std::string& line) const {
        if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
            throw std::runtime_error("cannot note: " + line);
        }
    }

  private:
    const int fd_;
};

class Orders {
  public:
    explicit Orders(const std::filesystem::path& path) {
        std::ifstream file(path);
        std::string name;
        for (std::uint64_t number = 0; file >> name >> number;) {
            numbers_[name] = number;
        }
    }

    std::uint64_t at(const std::string& name) const { return numbers_.at(name); }

  private:
    std::map<std::string, std::uint64_t> numbers_;
};

enum class Misdeed : std::uint8_t { none, failure, rejection, killing, late, lost };

struct Lot {
    Misdeed misdeed;
    bool is_even;  // which way it is done where there are two
};

class Errand {
  public:
    explicit Errand(const std::filesystem::path& room)
        : orders_(room / "orders"), effects_(room / "effects"), killings_(room / "killings") {}

    bool is_async() const { return orders_.at("async") != 0; }
    std::uint64_t most_in_batch() const { return orders_.at("batch"); }

    // The same for the same event and attempt.
    Lot draw(const drainpipe::Event& event) const {
        std::seed_seq seeds{orders_.at("seed"), event.id(), std::uint64_t{event.attempt()}};
        std::minstd_rand engine(seeds);
        std::uint64_t lot = engine() % 1000;
        const bool is_even = engine() % 2 == 0;
        for (const auto& [name, misdeed] : kMisdeeds) {
            const std::uint64_t count = orders_.at(name);
            if (lot < count) {
                return {misdeed, is_even};
            }
            lot -= count;
        }
        return {Misdeed::none, is_even};
    }

    drainpipe::Outcome work_on(const drainpipe::Event& event, Lot lot) const {
        if (const auto outcome = misbehave(event, lot)) {
            return *outcome;
        }
        have_effect(event);
        return drainpipe::done(std::string(event.payload()));
    }

    drainpipe::Outcome work_on_all(const drainpipe::Batch& batch) const {
        for (const drainpipe::Event& event : batch) {
            if (const auto outcome = misbehave(event, draw(event))) {
                return *outcome;
            }
        }
        std::string lines;
        for (const drainpipe::Event& event : batch) {
            have_effect(event);
            lines.append(lines.empty() ? "" : "\n").append(event.payload());
        }
        return drainpipe::done(lines);
    }

  private:
    static inline const std::vector<std::pair<std::string, Misdeed>> kMisdeeds{
        {"failures", Misdeed::failure},
        {"rejections", Misdeed::rejection},
        {"killings", Misdeed::killing},
        {"late", Misdeed::late},
        {"lost", Misdeed::lost}};

    std::optional<drainpipe::Outcome> misbehave(const drainpipe::Event& event, Lot lot) const {
        switch (lot.misdeed) {
            case Misdeed::failure:
                if (lot.is_even) {
                    throw std::runtime_error("failed on purpose");
                }
                return drainpipe::retry("failed on purpose");
            case Misdeed::rejection:
                return drainpipe::dead("rejected on purpose");
            case Misdeed::killing:
                if (lot.is_even) {
                    have_effect(event);
                }
                die(event.id() % 2 == 0 ? SIGABRT : SIGKILL);
            case Misdeed::late:
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
                break;
            default:
                break;
        }
        return std::nullopt;
    }

    void have_effect(const drainpipe::Event& event) const {
        effects_.add(std::string(event.run()) + " " + std::to_string(event.attempt()) + " " +
                     std::string(event.payload()) + "\n");
    }

    // It dies once, whichever of its threads are about to.
    [[noreturn]] void die(int signal) const {
        static std::mutex mutex;
        const std::lock_guard guard(mutex);
        killings_.add(std::to_string(::getpid()) + " " + std::to_string(signal) + "\n");
        if (signal == SIGKILL) {
            ::kill(::getpid(), SIGKILL);
        }
        std::abort();
    }

    const Orders orders_;
    const Notes effects_;
    const Notes killings_;
};

void settle(drainpipe::Token token, const Errand& errand) {
    const Lot lot = errand.draw(token.event());
    if (lot.misdeed == Misdeed::lost) {
        return;
    }
    try {
        token.settle(errand.work_on(token.event(), lot));
    } catch (const std::exception& error) {
        token.settle(drainpipe::retry(error.what()));
    }
}

int settle_later(int argc, char** argv, const Errand& errand) {
    std::optional<Settlers> settlers;
    return drainpipe::consume_async(argc, argv, [&](drainpipe::Token token) {
        const Lot lot = errand.draw(token.event());
        if (lot.misdeed == Misdeed::failure && lot.is_even) {
            throw std::runtime_error("failed on purpose");
        }
        if (!settlers) {
            settlers.emplace([&errand](drainpipe::Token each) { settle(std::move(each), errand); });
        }
        settlers->add(std::move(token));
    });
}

}  // namespace

int main(int argc, char** argv) {
    const std::filesystem::path program = argv[0];
    const Errand errand(program.parent_path());
    if (errand.is_async()) {
        return settle_later(argc, argv, errand);
    }
    if (errand.most_in_batch() > 0) {
        return drainpipe::consume_batches(
            argc, argv,
            [&errand](const drainpipe::Batch& batch) { return errand.work_on_all(batch); },
            errand.most_in_batch());
    }
    return drainpipe::consume(argc, argv, [&errand](const drainpipe::Event& event) {
        return errand.work_on(event, errand.draw(event));
    });
}
