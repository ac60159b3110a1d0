// Two pipelines on one consumer, and everything killed at random, server included, for as long as
// DRAINPIPE_SOAK_SECONDS says (seconds; 60 without it). After each round every message is looked
// for by its sequence in the stream. DRAINPIPE_SOAK_SEED makes the chances those of an earlier
// soak.

#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <drainpipe/status.hpp>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "harness/await.hpp"
#include "harness/files.hpp"
#include "harness/pipeline.hpp"
#include "jet_stream.hpp"
#include "nats_server.hpp"
#include "soak/dice.hpp"

namespace drainpipe::nats {
namespace {

using soak::Dice;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Microseconds since 1970.
using Time = std::int64_t;

Time time_now() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// Of a record's "2026-11-22T17:40:01.123456Z".
Time time_of(std::string_view shown) {
    std::tm parts{};
    const std::string text(shown);
    const char* const fraction = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S.", &parts);
    REQUIRE(fraction != nullptr);
    return Time{::timegm(&parts)} * 1'000'000 + std::atol(fraction);
}

struct Period {
    Time from;
    Time to;
};

class Machine;

// A message that was done, as the log says.
struct Doing {
    Time time;
    const Machine* machine;
};

// A pipeline as one of several machines has it, over all of its runs.
class Machine {
  public:
    Machine(std::string url, Dice& dice) : dice_(dice) {
        flags_ = {"--source",    std::move(url),
                  "--consumers", std::to_string(dice.between(1, 2)),
                  "--capacity",  std::to_string(dice.pick<int>({64, 500, 5000}))};
        const bool has_commands = dice.chance(40);
        const std::vector<std::string> work =
            has_commands
                ? std::vector<std::string>{"--exec", "echo $DRAINPIPE_NATS_SEQUENCE", "--jobs", "3"}
                : std::vector<std::string>{"--rate", dice.pick<std::string>({"300/s", "1000/s"})};
        flags_.insert(flags_.end(), work.begin(), work.end());
    }

    void start() { pipeline_.start(flags_); }

    void kill_producer() { kill_one(pipeline_.stage("producer")); }
    void kill_consumer() {
        const auto one = pipeline_.consumer(dice_.between(1U, 2U));
        if (const auto pid = one ? one : pipeline_.consumer(1)) {
            const Time from = time_now();
            kill_one(pid);
            deaths_.push_back({from, time_now()});
        }
    }
    void kill_whole() {
        const Time from = time_now();
        pipeline_.kill_all();
        deaths_.push_back({from, time_now()});
        redelivered_ += redelivered_now().value_or(0);
        keep_output();
    }
    // Its stages drain and leave without it.
    void kill_launcher() {
        pipeline_.launcher().send(SIGKILL);
        std::uint64_t last = 0;
        CHECK(harness::await([&] {
            last = redelivered_now().value_or(last);
            return !pipeline_.stage("producer") && !pipeline_.stage("consumer");
        }));
        redelivered_ += redelivered_now().value_or(last);
        keep_output();
    }
    // Its exit code.
    int stop() {
        const int code = pipeline_.stop();
        const auto account = pipeline_.log().account();
        REQUIRE(account);
        redelivered_ += account->redelivered;
        keep_output();
        return code;
    }

    // How often it has put out each message, by the number.
    const std::map<int, int>& done() const { return done_; }
    // Of all runs, as each has told it last.
    std::uint64_t redelivered() const { return redelivered_; }
    std::string leftovers() const { return pipeline_.leftovers(); }
    void collect_doings(std::map<int, std::vector<Doing>>& doings) const {
        const harness::RecordLog log = pipeline_.whole_log();
        CHECK(log.fault() == "");
        for (const harness::EventRecord& event : log.events()) {
            doings[std::stoi(std::string(event.payload))].push_back({time_of(event.time), this});
        }
    }
    // Whether one of its consumers died when it may not have committed yet what it had done at the
    // first time, and before the second.
    bool may_have_lost(Time first, Time second) const {
        constexpr Time kUntilCommitted = 2'000'000;
        return std::ranges::any_of(deaths_, [&](const Period& death) {
            return first <= death.to && death.from <= first + kUntilCommitted &&
                   death.from <= second;
        });
    }
    std::string describe() const {
        std::string text;
        for (const std::string& flag : flags_) {
            text += flag + " ";
        }
        return text;
    }

  private:
    static void kill_one(std::optional<pid_t> pid) {
        if (pid) {
            ::kill(*pid, SIGKILL);
        }
    }
    std::optional<std::uint64_t> redelivered_now() const {
        try {
            return read_status(pipeline_.name()).redelivered;
        } catch (const std::runtime_error&) {
            return std::nullopt;
        }
    }
    void keep_output() {
        const std::string output = pipeline_.output();
        for (const std::string_view line : harness::lines_of(output)) {
            ++done_[std::atoi(std::string(line).c_str())];
        }
    }

    Dice& dice_;
    harness::Flags flags_;
    harness::Pipeline pipeline_;
    std::map<int, int> done_;
    std::uint64_t redelivered_ = 0;
    std::vector<Period> deaths_;  // of consumers
};

// A stream and its consumer, two machines, and what happens to them.
class Round {
  public:
    Round(test::NatsServer& server, Dice& dice, int number)
        : server_(server),
          dice_(dice),
          stream_("S" + std::to_string(number)),
          machines_{Machine(server.url("", stream_ + "/C"), dice),
                    Machine(server.url("", stream_ + "/C"), dice)} {}

    void run() {
        CAPTURE(story_);
        const int ack_wait = dice_.between(1, 4);
        client().make_stream(stream_);
        client().make_consumer(
            stream_, "C",
            nlohmann::json{{"ack_wait", ack_wait * 1'000'000'000LL}, {"max_ack_pending", 10'000}});
        publish();
        for (Machine& machine : machines_) {
            story_ += machine.describe() + "\n";
            machine.start();
        }
        for (int left = dice_.between(4, 12); left > 0; --left) {
            harness::let_pass(milliseconds(dice_.between(0, 700)));
            interrupt();
            publish();
        }
        settle();
        audit();
    }

  private:
    test::JetStream client() const { return test::JetStream(server_.url("", stream_)); }

    void publish() {
        const auto count = dice_.between<std::uint64_t>(50, 400);
        client().publish(stream_, count, 0, published_ + 1);
        published_ += count;
    }

    void say(const std::string& what) { story_ += std::to_string(time_now()) + " " + what + "\n"; }

    void interrupt() {
        const std::size_t which = dice_.between<std::size_t>(0, 1);
        Machine& machine = machines_[which];
        const std::string of = " of " + std::to_string(which);
        switch (dice_.between(0, 6)) {
            case 0:
            case 1:
                say("kill producer" + of);
                machine.kill_producer();
                break;
            case 2:
            case 3:
                say("kill a consumer" + of);
                machine.kill_consumer();
                break;
            case 4:
                restart_server();
                break;
            default:
                end_and_start(machine, of);
                break;
        }
    }

    void restart_server() {
        say("kill the server");
        Period outage{.from = time_now(), .to = 0};
        server_.kill();
        harness::let_pass(milliseconds(dice_.between(0, 1500)));
        server_.start();
        say("server is back");
        outage.to = time_now();
        outages_.push_back(outage);
    }

    void end_and_start(Machine& machine, const std::string& of) {
        switch (dice_.between(0, 3)) {
            case 0:
                say("stop" + of);
                CHECK(machine.stop() == 0);
                break;
            case 1:
                say("kill launcher" + of);
                machine.kill_launcher();
                break;
            default:
                say("kill all" + of);
                machine.kill_whole();
                break;
        }
        harness::let_pass(milliseconds(dice_.chance(50) ? 0 : dice_.between(0, 5000)));
        say("start" + of);
        machine.start();
    }

    // Until nothing is pending any more. By the consumer: a server that was killed may keep
    // messages in a stream that it has let go.
    void settle() {
        const test::JetStream asking = client();
        nlohmann::json info;
        const bool is_settled = harness::await(
            [&] {
                harness::let_pass(milliseconds(50));
                info = asking.consumer(stream_, "C");
                return info["num_pending"] == 0 && info["num_ack_pending"] == 0;
            },
            seconds(60));
        const std::string told = info.dump();
        CAPTURE(told);
        CHECK(is_settled);
        CHECK(asking.stream(stream_)["state"]["last_seq"] == published_);
        for (Machine& machine : machines_) {
            CHECK(machine.stop() == 0);
            CHECK(machine.leftovers() == "");
        }
    }

    // Whether the first acknowledgement may be lost with the server: it was sent to one that was
    // killed, or about to be and had it not on its disk yet.
    bool may_be_unacknowledged(const Doing& first, const Doing& second) const {
        constexpr Time kUntilOnDisk = 2'000'000;
        return std::ranges::any_of(outages_, [&](const Period& outage) {
            return outage.from - kUntilOnDisk <= first.time && first.time <= outage.to &&
                   outage.from <= second.time;
        });
    }

    void audit() {
        std::map<int, int> counts;
        std::map<int, std::vector<Doing>> doings;
        std::uint64_t redelivered = 0;
        for (const Machine& machine : machines_) {
            for (const auto& [sequence, count] : machine.done()) {
                counts[sequence] += count;
            }
            machine.collect_doings(doings);
            redelivered += machine.redelivered();
        }
        // A line that a kill has cut, and one behind it, are no numbers of messages; the log has
        // them.
        for (const auto& [sequence, times] : doings) {
            counts[sequence] = std::max(counts[sequence], static_cast<int>(times.size()));
        }
        std::erase_if(counts, [&](const auto& one) {
            return one.first < 1 || one.first > static_cast<int>(published_);
        });
        std::uint64_t repeats = 0;
        std::uint64_t by_server = 0;
        std::string unexplained;
        for (const auto& [sequence, count] : counts) {
            repeats += static_cast<std::uint64_t>(count - 1);
            std::vector<Doing>& times = doings[sequence];
            std::ranges::sort(times, {}, &Doing::time);
            for (std::size_t index = 1; index < times.size(); ++index) {
                const Doing& first = times[index - 1];
                const Doing& second = times[index];
                if (may_be_unacknowledged(first, second)) {
                    ++by_server;
                } else if (!first.machine->may_have_lost(first.time, second.time)) {
                    unexplained += std::to_string(sequence) + " done at " +
                                   std::to_string(first.time) + " and " +
                                   std::to_string(second.time) + "\n";
                }
            }
        }
        CHECK(counts.size() == published_);
        CHECK(unexplained == "");
        CHECK(repeats <= redelivered + by_server);
        MESSAGE(published_, " messages, ", repeats, " done again, ", by_server,
                " of them for the server; redelivered=", redelivered);
    }

    test::NatsServer& server_;
    Dice& dice_;
    const std::string stream_;
    std::array<Machine, 2> machines_;
    std::uint64_t published_ = 0;
    std::vector<Period> outages_;
    std::string story_;
};

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const given = std::getenv(variable);
    return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

TEST_SUITE("nats_soak") {
    TEST_CASE("NATS soak: kills at random lose nothing, and repeat only what may be repeated") {
        const seconds length(number_from("DRAINPIPE_SOAK_SECONDS", 60));
        const std::uint64_t seed = number_from("DRAINPIPE_SOAK_SEED", std::random_device{}());
        CAPTURE(seed);
        Dice dice(seed);
        test::NatsServer server;
        server.start();
        const harness::Stopwatch stopwatch;
        for (int number = 1; stopwatch.elapsed() < length; ++number) {
            CAPTURE(number);
            Round(server, dice, number).run();
        }
    }
}

}  // namespace
}  // namespace drainpipe::nats
