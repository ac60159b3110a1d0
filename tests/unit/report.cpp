#include "report.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "descriptor.hpp"
#include "page.hpp"
#include "run_curves.hpp"
#include "run_log.hpp"
#include "run_words.hpp"
#include "scratch_directory.hpp"
#include "text_table.hpp"

using namespace drainpipe;
using namespace drainpipe::test;

namespace {

// Writes the log of a pipeline, a record a millisecond.
class LogText {
  public:
    explicit LogText(std::string name = "drainpipe") : name_(std::move(name)) {}

    LogText& say(int pid, const std::string& who, const std::string& message,
                 const std::string& level = "info") {
        text_ += time_to_text(time_) + " [" + std::to_string(pid) + "] [" + who + "] [" + level +
                 "] " + (name_ == "drainpipe" ? "" : "name=" + name_ + " ") + message + "\n";
        time_ += 1000;
        return *this;
    }
    LogText& ready(int launcher = 1) {
        return say(launcher, "launcher",
                   "ready name=" + name_ +
                       " run=5f1c0e9a launcher=1 producer=2 consumer=3 "
                       "segment=/dev/shm/x socket=/run/x.sock");
    }
    LogText& done(const std::string& how, int from, int to, int pid = 3,
                  const std::string& who = "consumer") {
        for (int id = from; id <= to; ++id) {
            say(pid, who, how + " id=" + std::to_string(id) + " payload=" + std::to_string(id));
        }
        return *this;
    }
    LogText& wait(Microseconds duration) {
        time_ += duration;
        return *this;
    }
    LogText& add(const std::string& text) {
        text_ += text;
        return *this;
    }
    const std::string& text() const { return text_; }

  private:
    std::string name_;
    Microseconds time_ = *parse_time("2026-11-22T17:40:01.000000Z");
    std::string text_;
};

// 100 events, stopped after 60, 10 of them in flight.
LogText ordinary_run(const std::string& name = "drainpipe") {
    return LogText(name)
        .ready()
        .done("processed", 1, 60)
        .say(1, "launcher", "stopping reason=SIGTERM grace=10s")
        .say(2, "producer", "intake closed accepted=100")
        .say(3, "consumer", "terminating in_flight=10 buffered=30")
        .done("emptied", 61, 70)
        .done("drained", 71, 100)
        .say(3, "consumer", "drained all")
        .say(1, "launcher",
             "summary accepted=100 processed=60 emptied=10 drained=30 left=0 redelivered=0 dead=0 "
             "retried=0");
}

RunLog read(const std::string& text) {
    RunLog log(16);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        log.take_line(line, true);
    }
    log.finish();
    return log;
}

std::vector<const RunHistory*> all_of(const RunLog& log) {
    std::vector<const RunHistory*> runs;
    for (const RunHistory& run : log.runs()) {
        runs.push_back(&run);
    }
    return runs;
}

std::string page(const RunLog& log) { return page_of(all_of(log), {}); }
std::string table(const RunLog& log) { return table_of(all_of(log), {}); }

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// What a command leaves: its answer, its files, its exit code.
struct Command {
    ScratchDirectory directory;
    std::filesystem::path log = directory.path() / "info.log";
    std::filesystem::path picture = directory.path() / "report.html";

    void write(const std::string& text) const { std::ofstream(log, std::ios::binary) << text; }
    // Its lines as one, for they are broken where the directory's name has them broken.
    std::string run(bool all_runs = false) const {
        const std::filesystem::path answer = directory.path() / "answer";
        std::fflush(stdout);
        const Descriptor kept(::dup(STDOUT_FILENO));
        const Descriptor file(::open(answer.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
        ::dup2(file.get(), STDOUT_FILENO);
        try {
            report({log, picture, all_runs});
        } catch (...) {
            ::dup2(kept.get(), STDOUT_FILENO);
            throw;
        }
        ::dup2(kept.get(), STDOUT_FILENO);
        std::string text = read_file(answer);
        std::ranges::replace(text, '\n', ' ');
        return text;
    }
    ExitCode code() const {
        try {
            run();
        } catch (const Failure& failure) {
            return failure.code();
        }
        return ExitCode::done;
    }
    std::ptrdiff_t files() const {
        return std::distance(std::filesystem::directory_iterator(directory.path()), {});
    }
};

// Tags that are opened and not closed again, or closed and not open.
int unbalanced(const std::string& text, const std::string& tag) {
    int open = 0;
    for (std::size_t at = 0; (at = text.find('<', at)) != std::string::npos; ++at) {
        const char after = at + 1 + tag.size() < text.size() ? text[at + 1 + tag.size()] : '\0';
        if (text.compare(at + 1, tag.size(), tag) == 0 && (after == '>' || after == ' ')) {
            ++open;
        } else if (text.compare(at + 1, tag.size() + 2, "/" + tag + ">") == 0) {
            --open;
        }
    }
    return open;
}

}  // namespace

TEST_SUITE("report") {
    TEST_CASE("the account of a run is that of its summary, and adds up") {
        const RunLog log = read(ordinary_run().text());
        REQUIRE(log.runs().size() == 1);
        const RunHistory& run = log.runs()[0];
        const Curves curves = curves_of(run, run.timeline());
        const RunFigures figures = figures_of(run, curves);
        CHECK(figures.is_final);
        CHECK(figures.account.accepted == 100);
        CHECK(figures.records == 100);
        CHECK(curves.slices.back().done == 100);
        CHECK(curves.slices.back().accepted == 100);
        CHECK(curves.slices.back().waiting() == 0);
        CHECK(has(check_of(run, figures, curves), "The account adds up, and the log has a record"));
        CHECK(ending_of(run) ==
              "It was stopped by SIGTERM; everything that was accepted was done.");
        CHECK(caveats_of(run, figures, curves).empty());
    }

    TEST_CASE("a summary that does not add up is said") {
        const RunLog log = read(LogText()
                                    .ready()
                                    .done("processed", 1, 5)
                                    .say(1, "launcher",
                                         "summary accepted=10 processed=5 emptied=0 drained=0 "
                                         "left=2 redelivered=0 dead=0 retried=0")
                                    .text());
        CHECK(has(table(log), "does NOT add up: it is 3 short"));
        CHECK(has(page(log), "does NOT add up: it is 3 short"));
    }

    TEST_CASE("accepted never falls, and is estimated until a record has it") {
        const RunLog log = read(ordinary_run().text());
        const RunHistory& run = log.runs()[0];
        std::uint64_t before = 0;
        for (const Slice& slice : curves_of(run, run.timeline()).slices) {
            const bool is_before_closing = slice.end < *run.stop().intake_closed;
            CHECK(slice.accepted >= slice.done);
            CHECK(slice.accepted >= before);
            CHECK(slice.accepted <= 100);
            CHECK((is_before_closing || slice.accepted == 100));
            CHECK(slice.is_exact != is_before_closing);
            before = slice.accepted;
        }
    }

    TEST_CASE("records of progress make it exact") {
        LogText text;
        text.ready();
        for (int id = 1; id <= 100; ++id) {
            text.done("processed", id, id);
            text.say(1, "launcher",
                     "progress accepted=" + std::to_string(id + 7) + " done=" + std::to_string(id) +
                         " dead=0 left=7");
        }
        const RunLog log = read(text.text());
        const RunHistory& run = log.runs()[0];
        const Curves curves = curves_of(run, run.timeline());
        CHECK(curves.is_acceptance_exact);
        CHECK(curves.slices.back().accepted == 107);
        CHECK(curves.slices.back().waiting() == 7);
        CHECK_FALSE(has(page(log), "does not tell when"));
    }

    TEST_CASE("of a run that has not ended it is said that more may have been accepted") {
        const RunLog log = read(LogText().ready().done("processed", 1, 40).text());
        CHECK(curves_of(log.runs()[0], log.runs()[0].timeline()).is_open());
        CHECK(has(page(log), "accepted at least 40"));
        CHECK(has(table(log), "more may wait"));
        const RunLog ended = read(ordinary_run().text());
        CHECK_FALSE(curves_of(ended.runs()[0], ended.runs()[0].timeline()).is_open());
    }

    TEST_CASE("a run that goes on with a segment counts its own events") {
        LogText text;
        text.say(9, "launcher", "recovered events=40")
            .ready(9)
            .done("processed", 961, 1000)
            .say(9, "launcher",
                 "summary accepted=40 processed=40 emptied=0 drained=0 left=0 redelivered=0 dead=0 "
                 "retried=0");
        const RunLog log = read(text.text());
        REQUIRE(log.runs().size() == 1);
        const RunHistory& run = log.runs()[0];
        for (const Slice& slice : curves_of(run, run.timeline()).slices) {
            CHECK(slice.accepted == 40);
        }
    }

    TEST_CASE("runs of one name follow each other, with and without a summary") {
        LogText text = ordinary_run();
        text.ready(21).done("processed", 1, 5, 22);  // killed as a whole
        text.say(31, "launcher", "recovered events=3").ready(31).done("processed", 6, 8, 32);
        const RunLog log = read(text.text());
        REQUIRE(log.runs().size() == 3);
        CHECK(
            ending_of(log.runs()[1]) ==
            "There is no summary: the run was killed as a whole. 3 events were left, and the next "
            "run recovered them.");
        const RunFigures figures =
            figures_of(log.runs()[1], curves_of(log.runs()[1], log.runs()[1].timeline()));
        CHECK(figures.account.left == 3);
        CHECK(figures.account.accepted == 8);
        CHECK(has(page(log), "<h1>drainpipe, run 5f1c0e9a, from 17:40:01.106 UTC</h1>"));
        CHECK(has(ending_of(log.runs()[2]), "ends without a stop"));
        CHECK(log.runs()[2].recovered() == 3);
    }

    TEST_CASE("runs of a launcher that always has the same pid are kept apart") {
        const RunLog log = read(ordinary_run().text() + ordinary_run().text() +
                                LogText().say(1, "launcher", "recovered events=3").ready().text());
        CHECK(log.runs().size() == 3);
    }

    TEST_CASE("what a consumer does before the launcher says ready is of the run") {
        const RunLog log =
            read(ordinary_run().text() + LogText().done("processed", 1, 4, 43).ready(41).text());
        REQUIRE(log.runs().size() == 2);
        CHECK(log.runs()[1].is_from_beginning());
        CHECK(done_in(log.runs()[1].stages()[1].totals) == 4);
    }

    TEST_CASE("pipelines that write by turns are kept apart by their names") {
        const std::string one = ordinary_run("one").text();
        const std::string other = ordinary_run("other").text();
        std::istringstream ones(one);
        std::istringstream others(other);
        std::string mixed;
        for (std::string line; std::getline(ones, line);) {
            mixed += line + "\n";
            std::getline(others, line);
            mixed += line + "\n";
        }
        const RunLog log = read(mixed);
        REQUIRE(log.runs().size() == 2);
        CHECK(log.runs()[0].name() == "one");
        CHECK(log.runs()[1].name() == "other");
        for (const RunHistory& run : log.runs()) {
            CHECK(done_in(run.stages()[1].totals) == 100);
            CHECK(run.account());
        }
    }

    TEST_CASE("more runs than are kept are counted, and one that goes on is kept") {
        RunLog log(2);
        const auto take = [&](const std::string& text) {
            std::istringstream lines(text);
            for (std::string line; std::getline(lines, line);) {
                log.take_line(line, true);
            }
        };
        take(LogText("goes-on").ready().text());
        for (int round = 0; round < 5; ++round) {
            take(ordinary_run("over" + std::to_string(round)).text());
        }
        REQUIRE(log.runs().size() == 2);
        CHECK(log.runs()[0].name() == "goes-on");
        CHECK(log.runs()[1].name() == "over4");
        CHECK(log.forgotten() == 4);
    }

    TEST_CASE("a log that begins in the middle of a run says so") {
        const std::string whole = ordinary_run().text();
        const RunLog log = read(whole.substr(whole.find("processed id=30 ") - 60 + 14));
        REQUIRE(log.runs().size() == 1);
        CHECK_FALSE(log.runs()[0].is_from_beginning());
        CHECK(has(table(log), "The log begins in the middle of this run"));
        CHECK(has(table(log), "does not begin with the run"));
    }

    TEST_CASE("in a log that begins in the middle all is as records of progress have it") {
        LogText text;
        for (int id = 1001; id <= 1200; ++id) {
            text.done("processed", id, id);
            if (id % 50 == 0) {
                text.say(1, "launcher",
                         "progress accepted=" + std::to_string(id + 10) +
                             " done=" + std::to_string(id) + " dead=0 left=10");
            }
        }
        text.say(1, "launcher",
                 "summary accepted=1200 processed=1200 emptied=0 drained=0 left=0 redelivered=0 "
                 "dead=0 retried=0");
        const RunLog log = read(text.text());
        const Curves curves = curves_of(log.runs()[0], log.runs()[0].timeline());
        REQUIRE(curves.first_known > 0);
        REQUIRE(curves.first_known < curves.slices.size() / 2);
        for (std::size_t index = curves.first_known; index < curves.slices.size(); ++index) {
            CHECK(curves.slices[index].waiting() <= 60);
            CHECK(curves.slices[index].done >= 1050);
        }
        CHECK(curves.slices.back().done == 1200);
        CHECK(curves.slices.back().waiting() == 0);
        CHECK(has(table(log), "are shown from the first record on that has their numbers"));
    }

    TEST_CASE("what waits in a fast run is no more than records of progress have it") {
        LogText text;
        text.ready();
        for (int id = 1; id <= 5000; ++id) {
            text.done("processed", id, id);
            if (id % 37 == 0) {
                text.say(1, "launcher",
                         "progress accepted=" + std::to_string(id + 2) +
                             " done=" + std::to_string(id) + " dead=0 left=2");
            }
        }
        const RunLog log = read(text.text());
        const Curves curves = curves_of(log.runs()[0], log.runs()[0].timeline());
        REQUIRE(curves.slices.size() > 100);
        for (std::size_t index = 10; index < curves.slices.size(); ++index) {
            CHECK(curves.slices[index].waiting() <= 3);
        }
    }

    TEST_CASE("records that the log lacks make no backlog at the end") {
        LogText text;
        text.ready()
            .done("processed", 1, 40)
            .done("processed", 61, 100)
            .say(1, "launcher",
                 "summary accepted=100 processed=100 emptied=0 drained=0 left=0 redelivered=0 "
                 "dead=0 "
                 "retried=0");
        const RunLog log = read(text.text());
        const Curves curves = curves_of(log.runs()[0], log.runs()[0].timeline());
        CHECK(curves.slices.back().done == 100);
        CHECK(curves.slices.back().waiting() == 0);
        CHECK(has(table(log), "no record for 20 events"));
    }

    TEST_CASE("dead letters are not done, and do not wait") {
        LogText text;
        text.ready()
            .done("processed", 1, 8)
            .done("dead", 9, 10)
            .say(1, "launcher",
                 "summary accepted=10 processed=8 emptied=0 drained=0 left=0 redelivered=0 dead=2 "
                 "retried=0");
        const RunLog log = read(text.text());
        const RunHistory& run = log.runs()[0];
        const Curves curves = curves_of(run, run.timeline());
        CHECK(curves.slices.back().done == 8);
        CHECK(curves.slices.back().dead == 2);
        CHECK(curves.slices.back().waiting() == 0);
        CHECK(stage_text(run.stages()[1].totals) == "8 done, 2 dead letters");
        CHECK(figures_of(run, curves).records == 10);
    }

    TEST_CASE("of a launcher that was killed it is said that the stages drained by themselves") {
        LogText text;
        text.ready()
            .done("processed", 1, 5)
            .say(2, "producer", "intake closed accepted=12")
            .say(3, "consumer", "terminating in_flight=2 buffered=5")
            .done("emptied", 6, 7)
            .done("drained", 8, 12)
            .say(3, "consumer", "drained all");
        const RunLog log = read(text.text());
        CHECK(ending_of(log.runs()[0]) ==
              "The launcher was killed; its stages drained by themselves, and nothing is left.");
        CHECK_FALSE(has(table(log), "at least"));
    }

    TEST_CASE("the table has accepted, done and waiting over time") {
        const std::string text = table(read(ordinary_run().text()));
        CHECK(has(text, "until        accepted            done         waiting        rate"));
        CHECK(has(text, "~"));
        CHECK(has(text, "restarts"));
    }

    TEST_CASE("what was left out is spread evenly over the time since it was told before") {
        LogText text;
        text.ready();
        for (int second = 0; second < 10; ++second) {
            text.wait(1'000'000).done("processed", second + 1, second + 1);
            text.say(3, "consumer", "left out records=1000");
        }
        const RunLog log = read(text.text());
        const Timeline& timeline = log.runs()[0].timeline();
        for (std::size_t bucket = 0; bucket + 1 < timeline.size(); ++bucket) {
            const auto share = static_cast<std::uint64_t>(timeline.width() / 1000);
            CHECK(done_in(timeline.counts(1, bucket)) + 2 >= share);
            CHECK(done_in(timeline.counts(1, bucket)) <= share + 2);
        }
    }

    TEST_CASE("a rate of less than one a second is told by the minute") {
        LogText text;
        text.ready();
        for (int id = 1; id <= 20; ++id) {
            text.wait(10'000'000).done("processed", id, id);
        }
        const std::string picture = page(read(text.text()));
        CHECK(has(picture, "</tspan> per minute"));
        CHECK(has(picture, "/min on average"));
    }

    TEST_CASE("a clock that was set during the run is said") {
        const std::string died = "child exited role=consumer pid=3 signal=SIGKILL uptime=5.000s";
        LogText back;
        back.ready().done("processed", 1, 3).wait(-60'000'000).done("processed", 4, 6);
        CHECK(has(table(read(back.text())), "The clock was set during the run"));
        LogText ahead;
        ahead.ready().done("processed", 1, 3).wait(7'200'000'000).say(1, "launcher", died);
        CHECK(has(table(read(ahead.text())), "The clock was set during the run"));
        LogText ordinary;
        ordinary.ready().done("processed", 1, 3).wait(5'000'000).say(1, "launcher", died);
        CHECK_FALSE(has(table(read(ordinary.text())), "The clock was set"));
    }

    TEST_CASE("deaths, restarts and the time between are found") {
        LogText text;
        text.ready()
            .done("processed", 1, 10)
            .say(1, "launcher", "child exited role=consumer pid=3 signal=SIGKILL uptime=0.010s")
            .wait(500'000)
            .done("processed", 11, 20, 4)
            .wait(400'000)
            .say(1, "launcher", "child exited role=consumer pid=4 signal=SIGSEGV uptime=0.410s")
            .wait(300'000)
            .done("processed", 21, 30, 5);
        RunLog log(1);
        const Command command;
        command.write(text.text());
        log.read(command.log);
        const StageHistory& consumer = log.runs()[0].stages()[1];
        CHECK(consumer.totals[static_cast<std::size_t>(Count::deaths)] == 2);
        CHECK(consumer.totals[static_cast<std::size_t>(Count::starts)] == 2);
        REQUIRE(consumer.gaps.size() == 2);
        // The first one by the uptime of the one that followed, the second by its first record.
        CHECK(consumer.gaps[0].to - consumer.gaps[0].from == 501'000);
        CHECK(consumer.gaps[1].to - consumer.gaps[1].from == 301'000);
    }

    TEST_CASE("events without a record of their own are counted, and that is said") {
        const RunLog log = read(LogText()
                                    .ready()
                                    .done("processed", 1, 5)
                                    .say(3, "consumer", "left out records=95")
                                    .say(1, "launcher",
                                         "summary accepted=100 processed=100 emptied=0 drained=0 "
                                         "left=0 redelivered=0 dead=0 retried=0")
                                    .text());
        CHECK(has(table(log), "95 records were left out of the log"));
        CHECK(has(table(log), "so do the records with those that were left out"));
        CHECK(curves_of(log.runs()[0], log.runs()[0].timeline()).slices.back().done == 100);
    }

    TEST_CASE("where each event goes to every consumer it is done when all have done it") {
        LogText text;
        text.ready();
        text.done("processed", 1, 100, 3, "consumer.1").done("processed", 1, 40, 4, "consumer.2");
        const RunLog log = read(text.text());
        const Curves curves = curves_of(log.runs()[0], log.runs()[0].timeline());
        CHECK(curves.is_broadcast == false);  // 140 records of 100 events: not more than half twice
        text.done("processed", 41, 100, 4, "consumer.2");
        const RunLog whole = read(text.text());
        const Curves all = curves_of(whole.runs()[0], whole.runs()[0].timeline());
        CHECK(all.is_broadcast);
        CHECK(all.slices.back().done == 100);
    }

    TEST_CASE("a stop that was cut off at the deadline is told as that") {
        LogText text;
        text.ready()
            .done("processed", 1, 10)
            .say(1, "launcher", "stopping reason=SIGTERM grace=1s")
            .wait(1'000'000)
            .say(1, "launcher",
                 "summary accepted=30 processed=10 emptied=0 drained=0 left=20 redelivered=0 "
                 "dead=0 retried=0");
        const RunLog log = read(text.text());
        CHECK(ending_of(log.runs()[0]) ==
              "It was stopped by SIGTERM and was cut off at the deadline; 20 events are left for "
              "the next start.");
        const auto steps = steps_of(log.runs()[0]);
        CHECK(
            std::ranges::any_of(steps, [](const Step& step) { return step.label == "deadline"; }));
    }

    TEST_CASE("text of a user's is text in the picture, whatever it is made of") {
        const std::string evil =
            "</svg><script>alert(1)</script> ] [launcher] [info] summary accepted=9 \"'&";
        LogText text;
        text.ready()
            .say(3, "consumer", "processed id=1 payload=" + evil)
            .say(
                3, "consumer",
                "failed id=2 attempt=1 reason=\"" + evil.substr(0, 60) + "\" retry_in=1s payload=x",
                "warning")
            .say(1, "launcher", "stopping reason=<b> grace=10s")
            .say(1, "launcher", "<img src=x onerror=alert(1)>", "error");
        const RunLog log = read(text.text());
        REQUIRE(log.runs().size() == 1);
        CHECK_FALSE(log.runs()[0].account());
        for (const std::string& picture : {page(log), picture_of(log.runs()[0])}) {
            CHECK_FALSE(has(picture, "<script"));
            CHECK_FALSE(has(picture, "<img"));
            CHECK_FALSE(has(picture, "<b>&"));
            for (const char* const tag : {"svg", "text", "tspan", "title", "table", "tr", "div"}) {
                CAPTURE(tag);
                CHECK(unbalanced(picture, tag) == 0);
            }
        }
        CHECK(has(page(log), "&lt;img src=x onerror=alert(1)&gt;"));
    }

    TEST_CASE("a picture needs nothing from anywhere") {
        const std::string picture = page(read(ordinary_run().text()));
        for (const char* const part : {"<script", "<link", "<img", "url(", "@import", "src="}) {
            CHECK_FALSE(has(picture, part));
        }
        CHECK(has(picture, "prefers-color-scheme:dark"));
        CHECK(has(picture, "role=\"img\""));
    }

    TEST_CASE("the table has at most 80 columns") {
        LogText text(std::string(64, 'n'));
        text.ready();
        for (int consumer = 1; consumer <= 64; ++consumer) {
            text.say(100 + consumer, "consumer." + std::to_string(consumer),
                     "failed id=1 attempt=1 reason=\"" + std::string(150, 'r') + "\" payload=x",
                     "warning");
        }
        std::istringstream lines(table(read(text.text())));
        for (std::string line; std::getline(lines, line);) {
            CAPTURE(line);
            CHECK(line.size() <= 80);
        }
    }

    TEST_CASE("what is kept does not grow with the failures of a run") {
        LogText text;
        text.ready();
        for (int id = 1; id <= 5000; ++id) {
            text.say(3, "consumer",
                     "failed id=" + std::to_string(id) + " attempt=1 reason=\"" +
                         std::to_string(id) + "\" payload=x",
                     "warning");
            text.say(1, "launcher", "something new " + std::to_string(id), "warning");
        }
        const RunLog log = read(text.text());
        const RunHistory& run = log.runs()[0];
        CHECK(moments_of(run).moments.size() < 500);
        CHECK(moments_of(run).left_out > 4000);
        CHECK(run.reasons().size() == RunHistory::kMostReasons);
        CHECK(run.other_reasons() == 5000 - RunHistory::kMostReasons);
        CHECK(page(log).size() < 1'000'000);
    }

    TEST_CASE("lines that are not ours are counted and passed over") {
        const Command command;
        std::string text = "boot message\n" + ordinary_run().text();
        text += std::string(1'000'000, 'x') + "\n";
        text += std::string("nul \0 byte\n", 11);
        text += "2026-11-22T17:40:01.000000Z [1] [launcher] [info] summary accepted=1\r\n";
        text += "2026-11-22T17:40:01.000000Z [1] [launcher] [info] torn";
        command.write(text);
        const std::string answer = command.run();
        CHECK(has(answer, "111 lines in"));
        CHECK(has(answer, ", 5 of them no records of a pipeline"));
        CHECK(has(read_file(command.picture), "5 of them no records of a pipeline"));
    }

    TEST_CASE("the last run is shown, or all of them") {
        const Command command;
        command.write(ordinary_run("one").text() + ordinary_run("other").text());
        const std::string last = command.run();
        CHECK(has(last, "other, run 5f1c0e9a"));
        CHECK_FALSE(has(last, "one, run"));
        CHECK(has(last, "1 other run is not shown"));
        const std::string all = command.run(true);
        CHECK(has(all, "one, run 5f1c0e9a"));
        CHECK(has(all, "other, run 5f1c0e9a"));
    }

    TEST_CASE("a picture whose name ends with .svg is one by itself") {
        Command command;
        command.write(ordinary_run().text());
        command.picture.replace_extension(".svg");
        command.run();
        const std::string picture = read_file(command.picture);
        CHECK(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
        CHECK(picture.ends_with("</svg>\n"));
        CHECK(has(picture, "<style>"));
    }

    TEST_CASE("without a log, or a run in it, there is no picture") {
        Command command;
        CHECK(command.code() == ExitCode::unavailable);
        command.write("");
        CHECK(command.code() == ExitCode::data);
        command.write("nothing of ours\n");
        CHECK(command.code() == ExitCode::data);
        CHECK_FALSE(std::filesystem::exists(command.picture));
    }

    TEST_CASE("of a folder the log in it is read") {
        Command command;
        command.log = command.directory.path();
        CHECK(command.code() == ExitCode::unavailable);
        std::ofstream(command.log / "info.log") << ordinary_run().text();
        CHECK(has(command.run(), "106 lines in"));
    }

    TEST_CASE("a picture never replaces a log") {
        Command command;
        const std::string text = ordinary_run().text();
        command.write(text);
        command.picture = command.log;
        CHECK(command.code() == ExitCode::usage);
        command.picture = command.directory.path() / "link.html";
        std::filesystem::create_symlink(command.log, command.picture);
        CHECK(command.code() == ExitCode::usage);
        command.picture = command.directory.path() / "hard.html";
        std::filesystem::create_hard_link(command.log, command.picture);
        CHECK(command.code() == ExitCode::usage);
        command.picture = command.directory.path() / "other.log";
        std::ofstream(command.picture) << text;
        CHECK(command.code() == ExitCode::usage);
        CHECK(read_file(command.picture) == text);
        CHECK(read_file(command.log) == text);
    }

    TEST_CASE("a picture is written behind a link, with the mode of the one before") {
        Command command;
        command.write(ordinary_run().text());
        const std::filesystem::path target = command.directory.path() / "target.html";
        std::filesystem::create_symlink("target.html", command.picture);
        command.run();
        CHECK(std::filesystem::is_symlink(command.picture));
        CHECK(read_file(target).starts_with("<!DOCTYPE html>"));
        std::filesystem::permissions(target, std::filesystem::perms(0600));
        command.run();
        CHECK(std::filesystem::status(target).permissions() == std::filesystem::perms(0600));
    }

    TEST_CASE("a file that has the name of a temporary one stays") {
        const Command command;
        command.write(ordinary_run().text());
        const std::string other = command.picture.string() + "." + std::to_string(::getpid());
        std::ofstream(other) << "mine";
        command.run();
        CHECK(read_file(other) == "mine");
        CHECK(command.files() == 4);  // with log, picture and answer
    }

    TEST_CASE("a picture takes the place of the one before whole, or not at all") {
        Command command;
        command.write(ordinary_run().text());
        std::ofstream(command.picture) << "before";
        command.run();
        CHECK(read_file(command.picture).starts_with("<!DOCTYPE html>"));
        CHECK(command.files() == 3);  // with log and answer
        command.picture = command.directory.path() / "missing" / "report.html";
        CHECK(command.code() == ExitCode::cannot_create);
        command.picture = command.directory.path();
        CHECK(command.code() == ExitCode::cannot_create);
        command.picture = "/dev/full";
        CHECK(command.code() == ExitCode::cannot_create);
    }
}
