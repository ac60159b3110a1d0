// Events that are messages of a queue, stages/test_source, which is told what became of each: every
// message is followed from the queue through the work to its acknowledgement.

#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/expect.hpp"
#include "harness/files.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"
#include "harness/programs.hpp"
#include "harness/random.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

using Counts = std::map<std::string, int>;

// The queue's directory.
class TestQueue {
  public:
    // With messages 1 to `count`, each its number, or what `message` makes of that.
    explicit TestQueue(
        int count,
        std::string (*message)(int) = [](int number) { return std::to_string(number); }) {
        std::string text;
        for (int number = 1; number <= count; ++number) text += message(number) + "\n";
        write_text(path() / "messages", text);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return directory_.path(); }
    [[nodiscard]] std::string url(const std::string& client = "") const {
        return "test://" + client + "local" + path().string();
    }

    void set_lease(std::chrono::milliseconds lease) const {
        write_text(path() / "lease", std::to_string(lease.count()));
    }
    void grow_to(std::uint64_t count) const {
        write_text(path() / "messages.new", numbers(1, count));
        std::filesystem::rename(path() / "messages.new", path() / "messages");
    }
    void take_down() const { write_text(path() / "down", ""); }
    void bring_up() const { std::filesystem::remove(path() / "down"); }

    // How often the queue was told so of each message.
    [[nodiscard]] Counts told(std::string_view word) const {
        const std::string text = read_text(path() / "acks");
        Counts counts;
        for (const auto line : lines_of(text)) {
            const auto space = line.find(' ');
            const auto number = line.substr(space + 1, line.find(' ', space + 1) - space - 1);
            if (line.substr(0, space) == word) ++counts[std::string(number)];
        }
        return counts;
    }
    [[nodiscard]] bool await_done(std::size_t count,
                                  std::chrono::milliseconds limit = kTimeout) const {
        return await([&] { return told("done").size() >= count; }, limit);
    }

    // Works that say what they begin, as "NUMBER ATTEMPT", and write the number where it is done.
    [[nodiscard]] std::string worker() const {
        return "while read -r id attempt text; do echo \"$text $attempt\" >> " + begun_file() +
               "; echo \"ok $id $text\"; done";
    }
    [[nodiscard]] std::string command(const std::string& work = ":") const {
        return "echo \"$DRAINPIPE_TEST_NUMBER $DRAINPIPE_ATTEMPT\" >> " + begun_file() + "; " +
               work + " && echo \"$DRAINPIPE_TEST_NUMBER\"";
    }
    // How often each message was begun; `first` as a first attempt.
    [[nodiscard]] Counts begun(bool first = false) const {
        const std::string text = read_text(begun_file());
        Counts counts;
        for (const auto line : lines_of(text)) {
            const auto space = line.find(' ');
            if (space == line.npos) continue;  // being written
            if (!first || line.substr(space) == " 1") ++counts[std::string(line.substr(0, space))];
        }
        return counts;
    }

  private:
    [[nodiscard]] std::string begun_file() const { return path() / "begun"; }

    TemporaryDirectory directory_{"dp-queue"};
};

// How many have more than one.
int repeated(const Counts& counts) {
    return static_cast<int>(
        std::ranges::count_if(counts, [](const auto& each) { return each.second > 1; }));
}

std::uint64_t total(const Counts& counts) {
    std::uint64_t sum = 0;
    for (const auto& [number, times] : counts) sum += static_cast<std::uint64_t>(times);
    return sum;
}

Counts counts_of(const std::string& output) {
    Counts counts;
    for (const auto line : lines_of(output)) ++counts[std::string(line)];
    return counts;
}

// The first message of 1 to `count` that the output has too few times, or more than once where
// `once`; empty where there is none.
std::string fault_of_numbers(const Counts& counts, int count, bool once) {
    for (int number = 1; number <= count; ++number) {
        const auto found = counts.find(std::to_string(number));
        const int times = found == counts.end() ? 0 : found->second;
        if (times < 1 || (once && times > 1)) {
            return std::to_string(number) + " is there " + std::to_string(times) + " times";
        }
    }
    return counts.size() == static_cast<std::size_t>(count) ? "" : "others are there, too";
}

// Whether the summary's account adds up, of each run of the log.
std::string fault_of_accounts(const RecordLog& log) {
    const auto value = [](std::string_view message, const char* key) {
        return number_of(message, key).value_or(0);
    };
    for (const auto& record : log.starting("summary ")) {
        std::uint64_t sum = 0;
        for (const char* key : {"processed", "emptied", "drained", "dead", "left"}) {
            sum += value(record.message, key);
        }
        if (sum != value(record.message, "accepted")) return std::string(record.message);
    }
    return "";
}

// A pipeline on the queue, over several runs.
class Drain {
  public:
    explicit Drain(const TestQueue& queue, const std::string& client = "")
        : queue_(queue), url_(queue.url(client)) {}

    Pipeline pipeline;

    [[nodiscard]] Flags flags(Flags more) const {
        more.insert(more.end(), {"--source", url_});
        return more;
    }
    void start(const Flags& more) {
        if (is_begun_) earlier_output_ = output();
        is_begun_ = true;
        pipeline.start(flags(more));
    }
    // Of all runs. What a kill has cut is no line.
    [[nodiscard]] std::string output() const {
        const std::string text = pipeline.output();
        return earlier_output_ + text.substr(0, text.rfind('\n') + 1);
    }
    [[nodiscard]] pid_t source() const {
        std::optional<pid_t> pid;
        REQUIRE(await([&] { return (pid = pipeline.stage("test_source")).has_value(); }));
        return *pid;
    }
    // The first message that was acknowledged and whose work has not had its effect.
    [[nodiscard]] std::string told_too_early() const {
        const Counts told = queue_.told("done");
        const Counts done = counts_of(output());
        for (const auto& [number, times] : told) {
            if (!done.contains(number)) return number;
        }
        return "";
    }
    // Waits until all are acknowledged, and looks meanwhile that none is before it is done.
    void await_all(int count) const {
        std::string early;
        CHECK(await([&] {
            early = told_too_early();
            return !early.empty() || queue_.told("done").size() == static_cast<std::size_t>(count);
        }));
        CHECK(early == "");
    }
    // What has to hold of a queue that is done, whoever was killed.
    void check_all_done(int count) const {
        CHECK(fault_of_numbers(queue_.told("done"), count, false) == "");
        CHECK(fault_of_numbers(counts_of(output()), count, false) == "");
        CHECK(fault_of_accounts(pipeline.whole_log()) == "");
        CHECK(pipeline.whole_log().fault() == "");
        CHECK(pipeline.leftovers() == "");
    }
    [[nodiscard]] std::uint64_t summed(const char* key) const {
        const auto log = pipeline.log();
        return number_of(log.first("summary "), key).value_or(0);
    }
    // The launcher's story of itself, as JSON.
    [[nodiscard]] nlohmann::json status() const {
        const auto shown = run(pipeline.command("launcher", {"status", "--json"}));
        REQUIRE(shown.code == 0);
        return nlohmann::json::parse(shown.output);
    }
    [[nodiscard]] nlohmann::json source_status() const { return status().at("source"); }
    [[nodiscard]] bool await_source_status(const char* key, const nlohmann::json& value) const {
        return await([&] { return source_status().at(key) == value; });
    }

  private:
    const TestQueue& queue_;
    std::string url_;
    std::string earlier_output_;
    bool is_begun_ = false;
};

TEST_SUITE("source") {
    TEST_CASE(
        "source: each message is done once and acknowledged after that, in any kind of work") {
        constexpr int kCount = 400;
        const std::string own = program("stages/own_consumer");
        const std::vector<Flags> ways = {
            {},
            {"--consumers", "3"},
            {"--partition-by", "1", "--consumers", "2"},
            {"--capacity", "7", "--consumers", "2", "--jobs", "2", "--exec", "echo \"$1\""},
            {"--exec", "cat", "--batch", "20", "--batch-wait", "1ms"},
            {"--worker", "while read -r id attempt text; do echo \"ok $id $text\"; done", "--jobs",
             "2", "--consumers", "2"},
            {"--buffer-size", "300", "--consumers", "2"},
            {"--consumer", own, "--consumers", "2"}};
        for (const Flags& way : ways) {
            std::string said;
            for (const auto& word : way) said += word + " ";
            CAPTURE(said);
            const TestQueue queue(kCount);
            Drain drain(queue);
            drain.start(way);
            drain.await_all(kCount);
            CHECK(drain.pipeline.stop() == 0);
            drain.check_all_done(kCount);
            CHECK(fault_of_numbers(counts_of(drain.output()), kCount, true) == "");
            CHECK(fault_of_numbers(queue.told("done"), kCount, true) == "");
            CHECK(drain.summed("accepted") == kCount);
            CHECK(drain.summed("redelivered") == 0);
            CHECK(drain.summed("given_back") == 0);
        }
    }

    TEST_CASE("source: the other ways of a consumer of one's own acknowledge what they settle") {
        constexpr int kCount = 300;
        for (const std::string way : {"tokens", "batches"}) {
            CAPTURE(way);
            const TestQueue queue(kCount);
            Drain drain(queue);
            Command command = drain.pipeline.launcher_command(
                drain.flags({"--consumer", program("stages/own_consumer"), "--consumers", "2"}));
            command.environment["OWN_WAY"] = way;
            drain.pipeline.start(command);
            CHECK(queue.await_done(kCount));
            CHECK(drain.pipeline.stop() == 0);
            drain.check_all_done(kCount);
            CHECK(fault_of_numbers(queue.told("done"), kCount, true) == "");
        }
    }

    TEST_CASE("source: events of a key are done in the order of their messages") {
        constexpr int kCount = 600;
        const TestQueue queue(kCount, [](int number) {
            return "key" + std::to_string(number % 7) + " " + std::to_string(number);
        });
        Drain drain(queue);
        drain.start({"--partition-by", "1", "--consumers", "3", "--jobs", "4", "--worker",
                     "while read -r id attempt text; do echo \"ok $id $text\"; done"});
        CHECK(queue.await_done(kCount));
        CHECK(drain.pipeline.stop() == 0);
        std::map<std::string, int> last;
        const std::string output = drain.output();
        for (const auto line : lines_of(output)) {
            const auto space = line.find(' ');
            const int number = std::stoi(std::string(line.substr(space + 1)));
            int& before = last[std::string(line.substr(0, space))];
            CHECK(number > before);
            before = number;
        }
        CHECK(lines_of(output).size() == kCount);
    }

    TEST_CASE("source: simulated work takes its time, and a stop sees to what is in flight") {
        const TestQueue queue(40);
        Drain drain(queue);
        drain.start({"--event-delay", "20ms"});
        const Stopwatch stopwatch;
        CHECK(queue.await_done(10));
        CHECK(queue.told("done").size() < 40);
        CHECK(drain.pipeline.stop() == 0);
        CHECK(stopwatch.elapsed() > std::chrono::milliseconds(39 * 20 / 2));
        drain.check_all_done(40);
    }

    TEST_CASE("source: messages that come while it runs are done as they come") {
        const TestQueue queue(3);
        Drain drain(queue);
        drain.start({});
        CHECK(queue.await_done(3));
        for (const unsigned count : {4U, 50U}) {
            queue.grow_to(count);
            CHECK(queue.await_done(count));
        }
        CHECK(drain.pipeline.stop() == 0);
        drain.check_all_done(50);
    }

    TEST_CASE(
        "source: the queue is told of a dead letter after that is written, never of a retry") {
        constexpr int kCount = 60;
        const TestQueue queue(kCount);
        Drain drain(queue);
        // Of ten one is given up at once, and another one fails twice.
        drain.start({"--jobs", "4", "--backoff", "1ms", "--exec",
                     queue.command("case $DRAINPIPE_TEST_NUMBER in *3) exit 65;; *4) test "
                                   "$DRAINPIPE_ATTEMPT = 3;; esac")});
        const auto letters = [&] { return read_text(drain.pipeline.log_dir() / "dead.ndjson"); };
        std::string early;
        CHECK(await([&] {
            const Counts dead = queue.told("dead");
            const std::string written = letters();
            for (const auto& [number, times] : dead) {
                if (!contains(written, "\"payload\":\"" + number + "\"")) early = number;
            }
            if (const std::string number = drain.told_too_early(); !number.empty()) early = number;
            return !early.empty() || dead.size() + queue.told("done").size() == kCount;
        }));
        CHECK(early == "");
        CHECK(drain.pipeline.stop() == 65);
        CHECK(queue.told("dead").size() == kCount / 10);
        CHECK(repeated(queue.told("dead")) + repeated(queue.told("done")) == 0);
        CHECK(repeated(queue.begun(true)) == 0);
        CHECK(repeated(queue.begun()) == kCount / 10);
        CHECK(contains(letters(), "\"TEST_NUMBER\":\"3\""));
        CHECK(lines_of(letters()).size() == kCount / 10);
        CHECK(drain.summed("dead") == kCount / 10);
        CHECK(drain.summed("retried") == kCount / 10 * 2);
        CHECK(fault_of_accounts(drain.pipeline.log()) == "");
        CHECK(drain.pipeline.leftovers() == "");
    }

    TEST_CASE(
        "source: killed with SIGKILL under load, stages lose no message and repeat none that "
        "was not begun") {
        constexpr int kCount = 4000;
        Random random("kills of stages on a queue");
        for (const std::string victim : {"test_source", "consumer", "both"}) {
            CAPTURE(victim);
            const TestQueue queue(kCount);
            Drain drain(queue);
            drain.start({"--consumers", "2", "--jobs", "2", "--retries", "50", "--capacity", "500",
                         "--worker", queue.worker()});
            int kills = 0;
            for (int round = 0; round < 4; ++round) {
                CHECK(queue.await_done(
                    std::min<std::size_t>(kCount, queue.told("done").size() + 50)));
                let_pass(random.moment(40ms));
                if (victim != "consumer") {
                    ::kill(drain.source(), SIGKILL);
                }
                const auto consumer = drain.pipeline.consumer(random.between(1U, 2U));
                if (victim != "test_source" && consumer) {
                    ::kill(*consumer, SIGKILL);
                    ++kills;
                }
            }
            drain.await_all(kCount);
            CHECK(drain.pipeline.stop() == 0);
            drain.check_all_done(kCount);
            CHECK(repeated(queue.begun(true)) == 0);
            CHECK(drain.summed("accepted") == kCount);
            CHECK(drain.summed("given_back") == 0);
            if (victim == "test_source") {
                CHECK(repeated(queue.begun()) == 0);
                CHECK(drain.summed("redelivered") == 0);
            } else {
                CHECK(kills > 0);
                CHECK(drain.summed("redelivered") >=
                      static_cast<std::uint64_t>(repeated(queue.begun())));
            }
            if (victim == "consumer") CHECK(repeated(queue.told("done")) == 0);
        }
    }

    TEST_CASE(
        "source: kills of anything, stops and outages in any order lose no message and repeat "
        "none that was not begun") {
        constexpr int kCount = 3000;
        Random random("anything on a queue");
        const std::vector<Flags> ways = {{"--jobs", "2", "--consumers", "2"},
                                         {"--partition-by", "1", "--consumers", "3"},
                                         {"--capacity", "20", "--window", "4"}};
        for (Flags flags : ways) {
            const TestQueue queue(kCount);
            queue.set_lease(60s);
            Drain drain(queue);
            flags.insert(flags.end(), {"--retries", "50", "--worker", queue.worker()});
            drain.start(flags);
            const auto start_again = [&] {
                CHECK(await([&] { return processes_marked(drain.pipeline.name()).empty(); }));
                drain.start(flags);
            };
            for (int round = 0; round < 5; ++round) {
                CHECK(queue.await_done(
                    std::min<std::size_t>(kCount, queue.told("done").size() + 20)));
                let_pass(random.moment(20ms));
                const auto consumer = drain.pipeline.consumer(1);
                const int what = random.between(0, 5);
                if (what == 0) {
                    ::kill(drain.source(), SIGKILL);
                } else if (what == 1 && consumer) {
                    ::kill(*consumer, SIGKILL);
                } else if (what == 2) {
                    drain.pipeline.launcher().send(SIGKILL);
                    start_again();
                } else if (what == 3) {
                    drain.pipeline.kill_all();
                    start_again();
                } else if (what == 4) {
                    CHECK(drain.pipeline.stop() == 0);
                    start_again();
                } else {
                    queue.take_down();
                    let_pass(random.moment(100ms));
                    queue.bring_up();
                }
            }
            drain.await_all(kCount);
            CHECK(drain.pipeline.stop() == 0);
            drain.check_all_done(kCount);
            CHECK(repeated(queue.begun(true)) == 0);
            CHECK(queue.told("given_back").empty());
        }
    }

    TEST_CASE(
        "source: a launcher's death has what is in the ring done and acknowledged, and the "
        "next start goes on") {
        constexpr int kCount = 2000;
        Random random("a launcher killed on a queue");
        const TestQueue queue(kCount);
        Drain drain(queue);
        const Flags flags = {"--consumers", "2", "--capacity", "300", "--worker", queue.worker()};
        for (int round = 0; round < 3; ++round) {
            drain.start(flags);
            CHECK(queue.await_done(std::min<std::size_t>(kCount, queue.told("done").size() + 100)));
            let_pass(random.moment(30ms));
            drain.pipeline.launcher().send(SIGKILL);
            CHECK(await([&] { return processes_marked(drain.pipeline.name()).empty(); }));
            CHECK(drain.pipeline.leftovers() == "");
            CHECK(drain.told_too_early() == "");
        }
        drain.start(flags);
        drain.await_all(kCount);
        CHECK(drain.pipeline.stop() == 0);
        drain.check_all_done(kCount);
        CHECK(fault_of_numbers(queue.begun(), kCount, true) == "");
        CHECK(fault_of_numbers(queue.told("done"), kCount, true) == "");
    }

    TEST_CASE("source: killed as a whole and started again within the lease, it goes on") {
        constexpr int kCount = 2000;
        Random random("all killed on a queue");
        const TestQueue queue(kCount);
        queue.set_lease(60s);
        Drain drain(queue);
        const Flags flags = {"--consumers", "2",      "--retries", "50",       "--capacity",
                             "300",         "--jobs", "2",         "--worker", queue.worker()};
        for (int round = 0; round < 4; ++round) {
            drain.start(flags);
            CHECK(queue.await_done(std::min<std::size_t>(kCount, queue.told("done").size() + 100)));
            let_pass(random.moment(30ms));
            drain.pipeline.kill_all();
        }
        drain.start(flags);
        drain.await_all(kCount);
        CHECK(drain.pipeline.stop() == 0);
        drain.check_all_done(kCount);
        CHECK(repeated(queue.begun(true)) == 0);
        CHECK(queue.told("given_back").empty());
        CHECK(drain.summed("given_back") == 0);
    }

    TEST_CASE(
        "source: killed as a whole and started again after the lease, it gives back what was "
        "not begun") {
        constexpr int kCount = 300;
        constexpr int kJobs = 2;
        const TestQueue queue(kCount);
        queue.set_lease(400ms);
        Drain drain(queue);
        const Flags flags = {
            "--jobs", std::to_string(kJobs),       "--retries", "50", "--max-demand", "100",
            "--exec", queue.command("sleep 0.003")};
        drain.start(flags);
        CHECK(queue.await_done(50));
        drain.pipeline.kill_all();
        const std::size_t begun = queue.begun().size();
        CHECK(begun < kCount);
        const Stopwatch since;
        CHECK(await([&] { return since.elapsed() > 400ms; }));
        drain.start(flags);
        drain.await_all(kCount);
        CHECK(drain.pipeline.stop() == 0);
        drain.check_all_done(kCount);
        CHECK(drain.summed("given_back") > 0);
        CHECK(total(queue.told("given_back")) >= drain.summed("given_back"));
        CHECK(drain.summed("redelivered") > 0);
        // What was worked on when all were killed, and nothing else.
        CHECK(repeated(queue.begun()) <= kJobs);
    }

    TEST_CASE(
        "source: of two pipelines on a queue one takes over from the other that was killed, "
        "and that one repeats nothing") {
        constexpr int kCount = 300;
        constexpr int kJobs = 2;
        const TestQueue queue(kCount);
        queue.set_lease(400ms);
        const Flags flags = {"--jobs", std::to_string(kJobs),       "--max-demand", "100",
                             "--exec", queue.command("sleep 0.003")};
        Drain first(queue, "a@");
        first.start(flags);
        CHECK(queue.await_done(50));
        Drain second(queue, "b@");
        second.start(flags);
        first.pipeline.kill_all();
        const Counts done_by_first = counts_of(first.output());
        CHECK(done_by_first.size() < kCount);
        CHECK(queue.await_done(kCount));
        const Counts done_by_second = counts_of(second.output());
        int twice = 0;
        for (const auto& [number, times] : done_by_second) twice += done_by_first.contains(number);
        CHECK(twice <= 2 * kJobs + 2);  // begun or done, and not told, when all were killed
        const std::size_t begun = queue.begun().size();
        const Counts begun_before = queue.begun();

        first.start(flags);
        CHECK(first.await_source_status("unacknowledged", 0));
        CHECK(await([&] { return first.status().at("left") == 0; }));
        CHECK(second.pipeline.stop() == 0);
        CHECK(first.pipeline.stop() == 0);
        CHECK(queue.begun().size() == begun);
        CHECK(queue.begun() == begun_before);
        CHECK(first.summed("given_back") > 0);
        CHECK(first.summed("left") == 0);
        for (const Drain* drain : {&first, &second}) {
            CHECK(fault_of_accounts(drain->pipeline.whole_log()) == "");
            CHECK(drain->pipeline.leftovers() == "");
        }
    }

    TEST_CASE(
        "source: while the queue is down for less than the lease the work goes on, and is "
        "told later") {
        constexpr int kCount = 100;
        const TestQueue queue(kCount);
        queue.set_lease(60s);
        Drain drain(queue);
        drain.start({"--max-demand", "10", "--worker",
                     "while read -r id attempt text; do sleep 0.002; echo \"ok $id $text\"; done"});
        CHECK(queue.await_done(10));
        queue.take_down();
        CHECK(await([&] { return drain.status().at("left") == 0; }));
        CHECK(counts_of(drain.output()).size() == kCount);
        CHECK(drain.source_status().at("unacknowledged") > 0);
        CHECK(drain.source_status().at("connected") == false);
        queue.bring_up();
        drain.await_all(kCount);
        CHECK(drain.await_source_status("unacknowledged", 0));
        CHECK(drain.pipeline.stop() == 0);
        drain.check_all_done(kCount);
        CHECK(fault_of_numbers(queue.told("done"), kCount, true) == "");
        CHECK(queue.told("given_back").empty());
    }

    TEST_CASE(
        "source: while the queue is down for longer than the lease nothing is begun, and what "
        "was not is given back") {
        constexpr int kCount = 200;
        constexpr int kJobs = 2;
        const TestQueue queue(kCount);
        queue.set_lease(300ms);
        Drain drain(queue);
        drain.start({"--jobs", std::to_string(kJobs), "--max-demand", "50", "--exec",
                     queue.command("sleep 0.005")});
        CHECK(queue.await_done(20));
        queue.take_down();
        const Stopwatch since;
        CHECK(await([&] { return since.elapsed() > 350ms; }));
        const std::size_t begun = queue.begun().size();
        CHECK(begun < kCount);
        CHECK(await([&] { return since.elapsed() > 600ms; }));
        CHECK(queue.begun().size() == begun);
        queue.bring_up();
        drain.await_all(kCount);
        CHECK(drain.pipeline.stop() == 0);
        drain.check_all_done(kCount);
        CHECK(fault_of_numbers(queue.begun(), kCount, true) == "");
        CHECK(drain.summed("given_back") > 0);
        CHECK(drain.summed("redelivered") == drain.summed("given_back"));
        CHECK(drain.summed("accepted") == kCount);
    }

    TEST_CASE("source: a stop does and acknowledges what is in the ring, and takes nothing more") {
        constexpr int kCount = 2000;
        const TestQueue queue(kCount);
        Drain drain(queue);
        const Flags flags = {"--capacity", "200", "--max-demand", "10", "--worker", queue.worker()};
        drain.start(flags);
        CHECK(queue.await_done(20));
        CHECK(drain.pipeline.stop() == 0);
        const std::size_t done = queue.told("done").size();
        CHECK(done < kCount);
        CHECK(drain.summed("accepted") == done);
        CHECK(queue.begun().size() == done);
        CHECK(drain.told_too_early() == "");
        CHECK(drain.pipeline.leftovers() == "");
        drain.start(flags);
        drain.await_all(kCount);
        CHECK(drain.pipeline.stop() == 0);
        drain.check_all_done(kCount);
        CHECK(fault_of_numbers(queue.begun(), kCount, true) == "");
    }

    TEST_CASE("source: what is done and can't be told at a stop is told by the next start") {
        constexpr int kCount = 50;
        const TestQueue queue(kCount);
        queue.set_lease(60s);
        Drain drain(queue);
        const Flags flags = {"--grace", "1s", "--worker", queue.worker()};
        drain.start(flags);
        CHECK(queue.await_done(kCount));
        queue.grow_to(2 * kCount);
        CHECK(await([&] {
            if (!queue.begun().contains(std::to_string(kCount + 1))) return false;
            queue.take_down();
            return true;
        }));
        CHECK(await([&] { return drain.status().at("left") == 0; }));
        const std::size_t told = queue.told("done").size();
        const std::size_t begun = queue.begun().size();
        CHECK(drain.source_status().at("unacknowledged") == begun - told);
        if (begun == told) return;  // it was faster than this test: nothing is left to be told
        CHECK(drain.pipeline.stop() == 124);
        const std::string unacknowledged = "unacknowledged=" + std::to_string(begun - told);
        CHECK(contains(drain.pipeline.errors(), unacknowledged));
        CHECK(drain.summed("left") == 0);
        CHECK(std::filesystem::exists(drain.pipeline.segment()));
        queue.bring_up();
        drain.start(flags);
        drain.await_all(2 * kCount);
        CHECK(drain.pipeline.stop() == 0);
        drain.check_all_done(2 * kCount);
        CHECK(fault_of_numbers(queue.begun(), 2 * kCount, true) == "");
        CHECK(fault_of_numbers(queue.told("done"), 2 * kCount, true) == "");
    }

    TEST_CASE("source: --give-back gives the queue what a stop can't do, and leaves nothing") {
        constexpr int kCount = 60;
        const TestQueue queue(kCount);
        Drain drain(queue);
        drain.start({"--give-back", "--grace", "1200ms", "--jobs", "2", "--exec",
                     queue.command("sleep 0.1")});
        CHECK(queue.await_done(3));
        CHECK(drain.pipeline.stop() == 0);
        const Counts done = queue.told("done");
        const Counts given_back = queue.told("given_back");
        CHECK(done.size() + given_back.size() == kCount);
        CHECK(given_back.size() > 0);
        CHECK(repeated(done) + repeated(given_back) == 0);
        CHECK(drain.summed("given_back") == given_back.size());
        CHECK(drain.summed("left") == 0);
        CHECK(drain.told_too_early() == "");
        CHECK(fault_of_accounts(drain.pipeline.log()) == "");
        CHECK(drain.pipeline.leftovers() == "");
        drain.start({"--jobs", "4", "--exec", queue.command()});
        drain.await_all(kCount);
        CHECK(drain.pipeline.stop() == 0);
        drain.check_all_done(kCount);
        CHECK(drain.summed("redelivered") == given_back.size());
    }

    TEST_CASE("source: what --give-back can't give back stays for the next start") {
        constexpr int kCount = 30;
        const TestQueue queue(kCount);
        queue.set_lease(60s);
        Drain drain(queue);
        drain.start({"--give-back", "--grace", "1s", "--retries", "50", "--exec",
                     queue.command("sleep 0.1")});
        CHECK(queue.await_done(2));
        queue.take_down();
        CHECK(drain.pipeline.stop() == 124);
        CHECK(fault_of_accounts(drain.pipeline.log()) == "");
        CHECK(std::filesystem::exists(drain.pipeline.segment()));
        queue.bring_up();
        drain.start({"--jobs", "4", "--retries", "50", "--exec", queue.command()});
        drain.await_all(kCount);
        CHECK(drain.pipeline.stop() == 0);
        drain.check_all_done(kCount);
        CHECK(repeated(queue.begun()) <= 2);
    }

    TEST_CASE("source: without --give-back what a stop can't do stays for the next start") {
        constexpr int kCount = 40;
        const TestQueue queue(kCount);
        queue.set_lease(60s);
        Drain drain(queue);
        drain.start({"--grace", "500ms", "--jobs", "1", "--retries", "50", "--exec",
                     queue.command("sleep 0.05")});
        CHECK(queue.await_done(3));
        CHECK(drain.pipeline.stop() == 124);
        CHECK(drain.summed("left") > 0);
        CHECK(queue.told("given_back").empty());
        CHECK(std::filesystem::exists(drain.pipeline.segment()));
        drain.start({"--jobs", "4", "--exec", queue.command()});
        drain.await_all(kCount);
        CHECK(drain.pipeline.stop() == 0);
        drain.check_all_done(kCount);
        CHECK(repeated(queue.begun()) <= 1);
    }

    TEST_CASE(
        "source: a queue that is not there ends the start with 69, one that can't be reached "
        "is waited for") {
        Pipeline pipeline;
        const TestQueue queue(5);
        std::filesystem::remove(queue.path() / "messages");
        const auto missing = run(pipeline.launcher_command({"--source", queue.url("u:secret@")}));
        CHECK(missing.code == 69);
        CHECK(contains(missing.errors, "there is no such queue: " + queue.url()));
        CHECK_FALSE(contains(missing.errors, "secret"));
        CHECK(pipeline.leftovers() == "");

        queue.take_down();
        const auto late =
            run(pipeline.launcher_command({"--source", queue.url(), "--source-timeout", "300ms"}));
        CHECK(late.code == 69);
        CHECK(contains(late.errors, queue.url() + " could not be reached within 300ms"));
        CHECK(late.elapsed >= 300ms);
        CHECK(pipeline.leftovers() == "");

        pipeline.start({"--source", queue.url(), "--source-timeout", "1m"});
        write_text(queue.path() / "messages", numbers(1, 5));
        queue.bring_up();
        CHECK(queue.await_done(5));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("source: a stop is not held up by a queue that was never there") {
        const TestQueue queue(5);
        queue.take_down();
        Drain drain(queue);
        drain.start({});
        const Stopwatch since;
        CHECK(drain.pipeline.stop() == 0);
        CHECK(since.elapsed() < kAtOnce);
        CHECK(drain.pipeline.leftovers() == "");
    }

    TEST_CASE("source: what is not settled is refused to other sources, and to none, with 73") {
        const TestQueue queue(20);
        queue.set_lease(60s);
        const TestQueue other(5);
        Drain drain(queue);
        const Flags flags = {"--max-demand", "2", "--exec", "sleep 0.05"};
        drain.start(flags);
        CHECK(queue.await_done(2));
        drain.pipeline.kill_all();
        const auto with_other =
            run(drain.pipeline.launcher_command({"--source", other.url(), "--grace", "1s"}));
        CHECK(with_other.code == 73);
        CHECK(is_one_line(with_other.errors));
        CHECK(contains(with_other.errors, "holds events of " + queue.url()));
        CHECK(contains(with_other.errors, other.url()));
        const auto without = run(drain.pipeline.launcher_command());
        CHECK(without.code == 73);
        CHECK(contains(without.errors, "--discard"));
        CHECK(other.told("done").empty());

        drain.start(flags);  // the same one, which goes on
        CHECK(queue.await_done(4));
        drain.pipeline.kill_all();
        drain.pipeline.start({"--source", other.url(), "--discard"});
        CHECK(contains(drain.pipeline.errors(), "discarded events="));
        CHECK(other.await_done(5));
        CHECK(drain.pipeline.stop() == 0);
        CHECK(drain.pipeline.leftovers() == "");
        CHECK(queue.told("done").size() < 20);
    }

    TEST_CASE("source: events of clients that are left are refused to a source with 73") {
        const TestQueue queue(5);
        Pipeline pipeline;
        pipeline.start({"--event-delay", "100ms"});
        CHECK(pipeline.enqueue_all(numbers(1, 20)) == 20);
        pipeline.kill_all();
        const auto refused = run(pipeline.launcher_command({"--source", queue.url()}));
        CHECK(refused.code == 73);
        CHECK(contains(refused.errors, "that are of no --source"));
        pipeline.start();
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("source: status, metrics and readiness tell of the queue") {
        const TestQueue queue(30);
        queue.set_lease(60s);
        Drain drain(queue, "u:secret@");
        const auto address = drain.pipeline.directory() / "http";
        drain.start({"--http", "unix:" + address.string(), "--max-demand", "1", "--exec", "cat"});
        const auto get = [&](const std::string& path) {
            Command command{.words = {"/usr/bin/curl", "-sS", "--max-time", "5", "-w",
                                      "\n%{http_code}", "--unix-socket", address.string(),
                                      "http://localhost" + path}};
            return run(command).output;
        };
        CHECK(queue.await_done(30));
        const auto source = drain.source_status();
        CHECK(source.at("url") == queue.url());
        CHECK(source.at("connected") == true);
        for (const char* key : {"pending", "ack_pending", "unacknowledged", "given_back"}) {
            CHECK(source.at(key).is_number());
        }
        CHECK(drain.await_source_status("unacknowledged", 0));
        CHECK(await([&] { return get("/readyz").ends_with("200"); }));
        const std::string metrics = get("/metrics");
        for (const std::string name : {"source_connected", "source_pending", "source_ack_pending",
                                       "events_unacknowledged", "events_given_back_total"}) {
            CHECK(contains(metrics, "drainpipe_" + name + "{name="));
        }
        const auto screen = run(drain.pipeline.command("launcher", {"status"}));
        CHECK(contains(screen.output, queue.url() + "  connected"));
        queue.take_down();
        CHECK(await([&] { return get("/readyz").ends_with("503"); }));
        CHECK(contains(get("/readyz"), "not connected to source=" + queue.url()));
        CHECK(
            contains(run(drain.pipeline.command("launcher", {"status"})).output, "not connected"));
        CHECK(drain.pipeline.stop() == 0);
        CHECK_FALSE(contains(metrics + screen.output + read_text(drain.pipeline.log_file()) +
                                 drain.pipeline.errors(),
                             "secret"));
    }

    TEST_CASE(
        "source: one that is started by hand has its URL from the environment, and settles "
        "what the launcher's had put in") {
        constexpr int kCount = 200;
        const TestQueue queue(kCount);
        Drain drain(queue);
        drain.start({"--max-demand", "4", "--worker", queue.worker()});
        CHECK(queue.await_done(5));
        freeze(drain.pipeline.launcher().pid());
        ::kill(drain.source(), SIGKILL);
        Command by_hand = drain.pipeline.command("test_source");
        Outcome refused{};
        CHECK(await([&] {
            refused = run(by_hand);
            return refused.code != 75;
        }));
        CHECK(refused.code == 64);
        CHECK(contains(refused.errors, "DRAINPIPE_SOURCE"));
        by_hand.environment["DRAINPIPE_SOURCE"] = queue.url("u:secret@");
        Process joined(by_hand);
        CHECK(queue.await_done(kCount));
        CHECK_FALSE(
            contains(read_text("/proc/" + std::to_string(joined.pid()) + "/environ"), "secret"));
        joined.send(SIGTERM);
        CHECK(joined.wait() == 0);
        drain.pipeline.launcher().send(SIGCONT);
        CHECK(drain.pipeline.stop() == 0);
        drain.check_all_done(kCount);
        CHECK(fault_of_numbers(queue.begun(), kCount, true) == "");
    }

    TEST_CASE("source: one is refused by a run without --source, and by itself a second time") {
        const TestQueue queue(5);
        Drain drain(queue);
        drain.start({});
        Command second = drain.pipeline.command("test_source");
        second.environment["DRAINPIPE_SOURCE"] = queue.url();
        CHECK(run(second).code == 75);
        CHECK(drain.pipeline.stop() == 0);
        drain.pipeline.start();
        freeze(drain.pipeline.launcher().pid());
        ::kill(drain.pipeline.stage("producer").value(), SIGKILL);
        Outcome refused{};
        CHECK(await([&] {
            refused = run(second);
            return refused.code != 75;
        }));
        CHECK(refused.code == 69);
        CHECK(contains(refused.errors, "runs without --source"));
        drain.pipeline.launcher().send(SIGCONT);
        CHECK(drain.pipeline.stop() == 0);
    }
}

}  // namespace
