// A pipeline whose socket a service manager holds: clients come whether it runs or not.

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "manager.hpp"
#include "system/harness/audit.hpp"
#include "system/harness/client.hpp"
#include "system/harness/expect.hpp"
#include "system/harness/pipeline.hpp"
#include "system/harness/process_table.hpp"
#include "system/harness/random.hpp"

using namespace harness;
using namespace service;
using namespace std::chrono_literals;

namespace {

// The socket unit's socket, where the pipeline of that name is looked for.
class Intake {
  public:
    explicit Intake(const Pipeline& pipeline, int backlog = 4096)
        : socket_((make_run_dir(pipeline), pipeline.socket()), SOCK_STREAM, true, backlog) {}

    [[nodiscard]] const PassedSocket& socket() const { return socket_; }
    [[nodiscard]] Command given_to(Command launcher) const {
        return given_socket(std::move(launcher), socket_.fd());
    }

  private:
    static void make_run_dir(const Pipeline& pipeline) {
        std::filesystem::create_directory(pipeline.run_dir());
    }
    PassedSocket socket_;
};

struct stat standing_of(const std::filesystem::path& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info;
}

// Nothing but the socket, which is not the pipeline's own.
void check_socket_alone_is_left(const Pipeline& pipeline) {
    CHECK(pipeline.leftovers() == pipeline.socket().string() + " ");
}

std::string all_outputs(const Pipeline& pipeline) {
    std::string text;
    for (const auto& entry : std::filesystem::directory_iterator(pipeline.directory())) {
        if (entry.path().filename().string().starts_with("launcher-output")) {
            text += read_text(entry.path());
        }
    }
    return text;
}

// Connects again and again, with a few events each time, and goes on behind what was accepted.
// Where a connection breaks it can't know how many were: it begins another series.
class Visitor {
  public:
    struct Series {
        std::string prefix;
        std::uint64_t accepted = 0;  // for certain
        bool is_exact = true;
    };

    Visitor(std::filesystem::path socket, std::string name)
        : socket_(std::move(socket)), name_(std::move(name)), thread_([this] { visit(); }) {}
    ~Visitor() { finish(); }
    Visitor(const Visitor&) = delete;
    Visitor& operator=(const Visitor&) = delete;

    [[nodiscard]] unsigned visits() const { return visits_; }
    // Ends after the visit at hand.
    void finish() {
        is_over_ = true;
        if (thread_.joinable()) thread_.join();
    }
    [[nodiscard]] const std::vector<Series>& series() const { return series_; }
    [[nodiscard]] const std::string& refusal() const { return refusal_; }

  private:
    static constexpr std::uint64_t kAtOnce = 20;

    void visit() {
        begin_series();
        while (!is_over_) {
            std::unique_ptr<SocketClient> client;
            try {
                client = std::make_unique<SocketClient>(socket_);
            } catch (const std::exception& error) {
                refusal_ = error.what();
                return;
            }
            Series& now = series_.back();
            try {
                client->send(numbers(now.accepted + 1, now.accepted + kAtOnce, now.prefix));
                client->finish_sending();
            } catch (const std::exception&) {
                // It was told with how many it closed, or broke.
            }
            hear(client->answers(60s));
            ++visits_;
        }
    }

    void hear(const std::vector<std::string>& answers) {
        Series& now = series_.back();
        const std::string last = answers.empty() ? "" : answers.back();
        now.accepted += number_of(last, "accepted").value_or(0);
        if (!last.starts_with("closed ")) {
            now.is_exact = false;
            begin_series();
        }
    }

    void begin_series() { series_.push_back({name_ + "." + std::to_string(series_.size()) + "-"}); }

    const std::filesystem::path socket_;
    const std::string name_;
    std::vector<Series> series_;
    std::string refusal_;
    std::atomic<unsigned> visits_{0};
    std::atomic<bool> is_over_{false};
    std::thread thread_;
};

// The first thing that is wrong with what became of a visitor's events: each series is there from 1
// on without a gap, as often as its events were accepted.
std::string fault_of_series(const Visitor::Series& series,
                            const std::map<std::string, int>& counts) {
    std::uint64_t seen = 0;
    while (counts.contains(series.prefix + std::to_string(seen + 1))) ++seen;
    std::uint64_t all = 0;
    for (const auto& [line, count] : counts) {
        if (!line.starts_with(series.prefix)) continue;
        ++all;
        if (count != 1) return line + " is there " + std::to_string(count) + " times";
    }
    if (all != seen) return series.prefix + " has a gap behind " + std::to_string(seen);
    if (seen < series.accepted || (series.is_exact && seen != series.accepted)) {
        return series.prefix + std::to_string(seen) + " is the last one, accepted were " +
               std::to_string(series.accepted);
    }
    return {};
}

// A pipeline that is interrupted again and again, as its service manager sees it, while visitors
// come: none is ever refused, and every event that was accepted is done once.
void check_no_visitor_is_refused(int rounds,
                                 const std::function<void(Pipeline&, Random&)>& interrupt) {
    Random random("interruptions under visitors");
    Pipeline pipeline;
    const Intake intake(pipeline);
    const auto before = standing_of(pipeline.socket());
    std::vector<std::unique_ptr<Visitor>> visitors;
    for (const auto* name : {"a", "b", "c"}) {
        visitors.push_back(std::make_unique<Visitor>(pipeline.socket(), name));
    }
    const auto all_have_come = [&](unsigned more) {
        std::vector<unsigned> until;
        for (const auto& visitor : visitors) until.push_back(visitor->visits() + more);
        return await([&] {
            for (std::size_t at = 0; at < until.size(); ++at) {
                if (visitors[at]->refusal().empty() && visitors[at]->visits() < until[at]) {
                    return false;
                }
            }
            return true;
        });
    };
    for (int round = 0; round < rounds; ++round) {
        pipeline.start(intake.given_to(pipeline.launcher_command()));
        CHECK(all_have_come(2));
        let_pass(random.moment(20ms));
        interrupt(pipeline, random);
    }
    pipeline.start(intake.given_to(pipeline.launcher_command()));
    CHECK(all_have_come(2));
    for (const auto& visitor : visitors) visitor->finish();
    CHECK(pipeline.stop() == 0);
    const auto after = standing_of(pipeline.socket());
    CHECK(after.st_ino == before.st_ino);
    CHECK(after.st_mode == before.st_mode);
    check_socket_alone_is_left(pipeline);
    const auto counts = line_counts(all_outputs(pipeline));
    for (const auto& visitor : visitors) {
        CHECK(visitor->refusal() == "");
        for (const auto& series : visitor->series()) CHECK(fault_of_series(series, counts) == "");
    }
}

// A start with what is passed ends with 64, and says in one line what is wrong with it.
void check_is_refused(int fd, std::string_view sockets, std::string_view words,
                      const Flags& flags = {}) {
    CAPTURE(words);
    const Pipeline pipeline;
    const auto outcome = run(given_socket(pipeline.launcher_command(flags), fd, sockets));
    CHECK(outcome.code == 64);
    INFO(outcome.errors);
    CHECK(is_one_line(outcome.errors));
    CHECK(contains(outcome.errors, "LISTEN_FDS: "));
    CHECK(contains(outcome.errors, words));
    CHECK(pipeline.leftovers() == "");
}

TEST_SUITE("activation") {
    TEST_CASE("activation: the intake takes the socket, and leaves it as it was") {
        Pipeline pipeline;
        const Intake intake(pipeline);
        const auto before = standing_of(pipeline.socket());
        for (int run = 0; run < 2; ++run) {
            pipeline.start(intake.given_to(pipeline.launcher_command({"--socket-mode", "0666"})));
            CHECK(value_of(pipeline.log().first("ready "), "socket") == pipeline.socket().string());
            CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
            CHECK(pipeline.stop() == 0);
            CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
            check_socket_alone_is_left(pipeline);
        }
        const auto after = standing_of(pipeline.socket());
        CHECK(after.st_ino == before.st_ino);
        CHECK(after.st_mode == before.st_mode);
    }

    TEST_CASE("activation: no client is refused over restarts, and each event is done once") {
        check_no_visitor_is_refused(
            10, [](Pipeline& pipeline, Random&) { CHECK(pipeline.stop() == 0); });
    }

    TEST_CASE("activation: no client is refused where the producer is killed") {
        check_no_visitor_is_refused(10, [](Pipeline& pipeline, Random&) {
            const auto dead = pipeline.stage("producer").value();
            ::kill(dead, SIGKILL);
            CHECK(await([&] { return pipeline.stage("producer").value_or(dead) != dead; }));
            CHECK(pipeline.stop() == 0);
        });
    }

    TEST_CASE("activation: no client is refused where the launcher is killed") {
        check_no_visitor_is_refused(10, [](Pipeline& pipeline, Random&) {
            pipeline.launcher().send(SIGKILL);
            CHECK(pipeline.launcher().wait() == 128 + SIGKILL);
        });
    }

    TEST_CASE("activation: a client that finds no launcher waits for the next one") {
        Pipeline pipeline;
        const Intake intake(pipeline);
        auto waiting = pipeline.enqueue(1000);
        CHECK(intake.socket().await_client());
        CHECK_FALSE(waiting.has_ended());
        pipeline.start(intake.given_to(pipeline.launcher_command()));
        CHECK(waiting.wait() == 0);
        CHECK(accepted_by(waiting.output()) == 1000);
        CHECK(pipeline.stop() == 0);
        auto later = pipeline.enqueue(1000);
        CHECK(intake.socket().await_client());
        CHECK_FALSE(later.has_ended());
        pipeline.start(intake.given_to(pipeline.launcher_command()));
        CHECK(later.wait() == 0);
        CHECK(accepted_by(later.output()) == 1000);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("activation: a client that comes while the pipeline drains waits for the next one") {
        Pipeline pipeline;
        const Intake intake(pipeline);
        const auto command = intake.given_to(
            pipeline.launcher_command({"--event-delay", "1ms", "--max-demand", "10"}));
        pipeline.start(command);
        CHECK(pipeline.enqueue_all(numbers(1, 1000)) == 1000);
        pipeline.launcher().send(SIGTERM);
        REQUIRE(pipeline.await_record("intake closed"));
        auto waiting = pipeline.enqueue(10);
        CHECK(intake.socket().await_client());
        CHECK(pipeline.launcher().wait() == 0);
        CHECK_FALSE(waiting.has_ended());
        pipeline.start(command);
        CHECK(waiting.wait() == 0);
        CHECK(accepted_by(waiting.output()) == 10);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("activation: a client that waits gives up at its own limit, with what is in") {
        Pipeline pipeline;
        const Intake intake(pipeline);
        auto client = pipeline.command("enqueue", {"--timeout", "100ms", "10"});
        const auto outcome = run(client);
        CHECK(outcome.code == 75);
        CHECK(outcome.output == "accepted=0\n");
        CHECK(is_one_line(outcome.errors));
    }

    TEST_CASE("activation: where too many wait to be let in, a client waits for room") {
        Pipeline pipeline;
        const Intake intake(pipeline, 0);
        auto first = pipeline.enqueue(10);
        CHECK(intake.socket().await_client());
        auto outcome = run(pipeline.command("enqueue", {"--timeout", "100ms", "10"}));
        CHECK(outcome.code == 75);
        CHECK(contains(outcome.errors, "too many clients wait"));
        auto second = pipeline.enqueue(10);
        pipeline.start(intake.given_to(pipeline.launcher_command()));
        CHECK(first.wait() == 0);
        CHECK(second.wait() == 0);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("activation: a stale socket and no launcher is no pipeline, at once") {
        const Pipeline pipeline;
        { const Intake intake(pipeline); }
        REQUIRE(std::filesystem::exists(pipeline.socket()));
        const auto outcome = run(pipeline.command("enqueue", {"10"}));
        CHECK(outcome.code == 69);
        CHECK(outcome.elapsed < kAtOnce);
        CHECK(outcome.output == "accepted=0\n");
    }

    TEST_CASE("activation: a client that was let in is told exactly what got in before the stop") {
        Pipeline pipeline;
        const Intake intake(pipeline);
        pipeline.start(intake.given_to(
            pipeline.launcher_command({"--event-delay", "10ms", "--capacity", "10"})));
        auto client = pipeline.enqueue(100'000);
        CHECK(pipeline.await_output(20));
        CHECK(pipeline.stop() == 0);
        CHECK(client.wait() == 75);
        CHECK(accepted_by(client.output()) == pipeline.log().account().value().accepted);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        check_socket_alone_is_left(pipeline);
    }

    TEST_CASE("activation: a producer of a user's own has the socket beside its events") {
        Pipeline pipeline;
        const Intake intake(pipeline);
        auto command =
            pipeline.launcher_command({"--producer", program("stages/own_producer"), "--socket"});
        command.environment["OWN_EVENTS"] = "3";
        pipeline.start(intake.given_to(std::move(command)));
        CHECK(contains(pipeline.log().first("ready "),
                       "socket=" + pipeline.socket().string() + " source="));
        CHECK(pipeline.enqueue_all("x1\nx2\n") == 2);
        CHECK(pipeline.await_output(5));
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_clients({{"x", 2}, {"", 3}}, pipeline.output()) == "");
        CHECK(std::filesystem::exists(pipeline.socket()));
    }

    TEST_CASE("activation: a producer that is started by hand is refused: it has no socket") {
        Pipeline pipeline;
        const Intake intake(pipeline);
        pipeline.start(intake.given_to(pipeline.launcher_command()));
        // In its place, which the launcher would fill at once.
        pipeline.launcher().send(SIGSTOP);
        REQUIRE(await([&] { return stands_still(pipeline.launcher().pid()); }));
        const auto dead = pipeline.stage("producer").value();
        ::kill(dead, SIGKILL);
        REQUIRE(await([&] { return !is_running(dead); }));
        const auto outcome = run(pipeline.command("producer"));
        CHECK(outcome.code == 69);
        CHECK(is_one_line(outcome.errors));
        CHECK(contains(outcome.errors, "service manager"));
        pipeline.launcher().send(SIGCONT);
        CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("activation: a socket that is removed is the service manager's to make again") {
        Pipeline pipeline;
        const Intake intake(pipeline);
        pipeline.start(intake.given_to(pipeline.launcher_command()));
        const auto producer = pipeline.stage("producer").value();
        std::filesystem::remove(pipeline.socket());
        CHECK(pipeline.await_record("the socket was removed while in use: no client finds it"));
        CHECK(pipeline.stage("producer") == producer);
        CHECK_FALSE(std::filesystem::exists(pipeline.socket()));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("activation: a socket at another path works, and a warning says who won't find it") {
        Pipeline pipeline;
        const auto path = pipeline.directory() / "elsewhere";
        const PassedSocket socket(path, SOCK_STREAM, true);
        pipeline.start(given_socket(pipeline.launcher_command(), socket.fd()));
        CHECK(value_of(pipeline.log().first("ready "), "socket") == path.string());
        CHECK(pipeline.await_record("the socket that was passed is " + path.string()));
        SocketClient client(path);
        client.send("1\n");
        client.finish_sending();
        CHECK(client.answers().back() == "closed accepted=1 reason=end");
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
        CHECK(std::filesystem::exists(path));
    }

    TEST_CASE("activation: what is no socket for an intake is refused") {
        const TemporaryDirectory directory("dp-passed");
        const auto path = [&](const char* name) { return (directory.path() / name).string(); };
        const PassedSocket datagrams(path("datagrams"), SOCK_DGRAM, false);
        check_is_refused(datagrams.fd(), "1", "is no stream socket");
        const PassedSocket packets(path("packets"), SOCK_SEQPACKET, true);
        check_is_refused(packets.fd(), "1", "is no stream socket");
        const PassedSocket silent(path("silent"), SOCK_STREAM, false);
        check_is_refused(silent.fd(), "1", "is not listened on");
        const PassedSocket abstract("@" + directory.path().string(), SOCK_STREAM, true);
        check_is_refused(abstract.fd(), "1", "has no absolute path");
        const PassedSocket good(path("good"), SOCK_STREAM, true);
        check_is_refused(good.fd(), "2", "2 sockets are passed");
        check_is_refused(good.fd(), "x", "'x' is not");
        check_is_refused(good.fd(), "1", "takes nothing from clients", {"--from", "/dev/null"});
        const int internet = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::listen(internet, 1) == 0);
        check_is_refused(internet, "1", "is no Unix socket");
        ::close(internet);
        check_is_refused(STDIN_FILENO, "1", "is not a socket");
        CHECK(std::filesystem::exists(path("good")));
    }

    TEST_CASE("activation: a socket that is passed to another process is none of ours") {
        Pipeline pipeline;
        const PassedSocket socket(pipeline.directory() / "other", SOCK_STREAM, true);
        auto command = pipeline.launcher_command();
        command.passed = socket.fd();
        command.environment["LISTEN_PID"] = "1";
        command.environment["LISTEN_FDS"] = "1";
        pipeline.start(command);
        CHECK(value_of(pipeline.log().first("ready "), "socket") == pipeline.socket().string());
        CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("activation: a service's pipeline is found by its name alone, running or not" *
              doctest::skip(::geteuid() != 0)) {
        Pipeline pipeline;
        const std::filesystem::path system = "/run/drainpipe";
        const bool is_made = std::filesystem::create_directory(system);
        const auto directory = system / pipeline.name();
        std::filesystem::create_directory(directory);
        const auto path = directory / (pipeline.name() + ".sock");
        {
            const PassedSocket socket(path, SOCK_STREAM, true);
            Command client{.words = {program("enqueue"), "--name", pipeline.name(), "7"}};
            client.output = pipeline.directory() / "client";
            Process waiting(client);
            CHECK(socket.await_client());
            Command where{
                .words = {program("enqueue"), "--name", pipeline.name(), "--print-socket"}};
            CHECK(run(where).output == path.string() + "\n");
            auto command = pipeline.launcher_command();
            command.words[4] = directory;
            pipeline.start(given_socket(std::move(command), socket.fd()));
            CHECK(waiting.wait() == 0);
            CHECK(waiting.output() == "accepted=7\n");
            Command status{.words = {program("launcher"), "status", "--name", pipeline.name()}};
            CHECK(run(status).code == 0);
            CHECK(run(client).output == "accepted=7\n");
            Command stop{
                .words = {program("launcher"), "stop", "--wait", "--name", pipeline.name()}};
            CHECK(run(stop).code == 0);
            CHECK(pipeline.launcher().wait() == 0);
        }
        std::filesystem::remove_all(directory);
        std::error_code in_use;
        if (is_made) std::filesystem::remove(system, in_use);
    }
}

}  // namespace
