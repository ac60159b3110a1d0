// The socket's protocol, spoken by hand: payloads in, each ended by a newline; answer lines out.

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <system_error>

#include "harness/audit.hpp"
#include "harness/client.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

std::string last_of(const std::vector<std::string>& lines) {
    return lines.empty() ? std::string{} : lines.back();
}

// As many descriptors as the system lets a process have, for this one and those that it starts.
class ManyDescriptors {
  public:
    ManyDescriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const rlimit most{before_.rlim_max, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &most) == 0);
    }
    ~ManyDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    ManyDescriptors(const ManyDescriptors&) = delete;
    ManyDescriptors& operator=(const ManyDescriptors&) = delete;

    [[nodiscard]] bool suffices_for(rlim_t count) const { return before_.rlim_max >= count; }

  private:
    rlimit before_{};
};

TEST_SUITE("wire") {
    TEST_CASE("wire: bytes after the last newline are no event") {
        Pipeline pipeline;
        pipeline.start();
        SocketClient client(pipeline.socket());
        client.send("a\nb\nc");
        client.finish_sending();
        CHECK(last_of(client.answers()) == "closed accepted=2 reason=end");
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == "a\nb\n");
    }

    TEST_CASE("wire: acknowledgements are cumulative and come while the connection is open") {
        Pipeline pipeline;
        pipeline.start();
        SocketClient client(pipeline.socket());
        client.send("a\n");
        CHECK(client.await_answer("accepted=1"));
        client.send("b\nc\n");
        CHECK(client.await_answer("accepted=3"));
        client.finish_sending();
        CHECK(last_of(client.answers()) == "closed accepted=3 reason=end");
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("wire: a payload may come byte by byte") {
        Pipeline pipeline;
        pipeline.start();
        SocketClient client(pipeline.socket());
        const std::string text = "slow\n\nbut whole\n";
        for (const char byte : text) client.send(std::string_view(&byte, 1));
        client.finish_sending();
        CHECK(last_of(client.answers()) == "closed accepted=3 reason=end");
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == text);
    }

    TEST_CASE("wire: a payload larger than the buffer is answered with its place and size") {
        Pipeline pipeline;
        pipeline.start({"--buffer-size", "64K"});
        SocketClient client(pipeline.socket());
        client.send("a\n" + std::string(70'000, 'x') + "\nb\n");
        client.finish_sending();
        const auto answers = client.answers();
        CHECK(std::ranges::count(answers, "refused event=2 bytes=70000 limit=65536") == 1);
        CHECK(last_of(answers) == "closed accepted=2 reason=end");
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == "a\nb\n");
    }

    TEST_CASE("wire: a refusal is told when all before it are in, and not before") {
        Pipeline pipeline;
        pipeline.start({"--buffer-size", "65536", "--capacity", "16"});
        freeze_without_lock(pipeline, pipeline.stage("consumer").value());
        SocketClient filler(pipeline.socket());
        for (int event = 0; event < 16; ++event) filler.send("f\n");
        REQUIRE(filler.await_answer("accepted=16"));
        SocketClient client(pipeline.socket());
        client.send("a\n" + std::string(70'000, 'x') + "\nb\n");
        REQUIRE(client.await_answer("accepted=0"));
        ::kill(pipeline.stage("producer").value(), SIGTERM);
        const auto answers = client.answers();
        CHECK(last_of(answers) == "closed accepted=0 reason=leaving");
        for (const auto& answer : answers) CHECK_FALSE(contains(answer, "refused"));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("wire: a producer that was frozen does not take a client for one that stalls") {
        Pipeline pipeline;
        pipeline.start();
        const std::string half(100'000, 'x');
        SocketClient first(pipeline.socket());
        first.send(half);
        SocketClient second(pipeline.socket());
        second.send(half);
        SocketClient third(pipeline.socket());
        for (const std::string round : {"1", "2"}) {
            third.send("x\n");
            REQUIRE(third.await_answer("accepted=" + round));  // what came before was read
        }
        const pid_t producer = pipeline.stage("producer").value();
        freeze(producer);
        let_pass(6s);  // longer than a turn
        ::kill(producer, SIGCONT);
        for (SocketClient* const client : {&first, &second}) {
            client->send(half + "\n");
            client->finish_sending();
            CHECK(last_of(client->answers()) == "closed accepted=1 reason=end");
        }
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("wire: at shutdown an idle client hears the exact count and the reason at once") {
        Pipeline pipeline;
        pipeline.start();
        SocketClient client(pipeline.socket());
        client.send("a\nb\nnot ended");
        CHECK(client.await_answer("accepted=2"));
        const Stopwatch watch;
        CHECK(pipeline.stop() == 0);
        CHECK(watch.elapsed() < kAtOnce);
        CHECK(last_of(client.answers()) == "closed accepted=2 reason=shutdown");
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    }

    TEST_CASE("wire: whoever could still connect during a stop hears of it") {
        for (int round = 0; round < 20; ++round) {
            CAPTURE(round);
            Pipeline pipeline;
            pipeline.start();
            pipeline.launcher().send(SIGTERM);
            std::deque<SocketClient> clients;
            try {
                while (true) {
                    clients.emplace_back(pipeline.socket());
                    if (clients.size() > 100) clients.pop_front();
                }
            } catch (const std::system_error&) {
                // The intake is gone.
            }
            CHECK(pipeline.launcher().wait() == 0);
            CAPTURE(clients.size());
            const auto hears_of_it = [](SocketClient& client) {
                return last_of(client.answers()) == "closed accepted=0 reason=shutdown";
            };
            CHECK(std::ranges::all_of(clients, hears_of_it));
            CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        }
    }

    TEST_CASE("wire: a producer that is told to leave tells its clients so") {
        Pipeline pipeline;
        pipeline.start();
        SocketClient client(pipeline.socket());
        client.send("a\n");
        CHECK(client.await_answer("accepted=1"));
        const auto producer = pipeline.stage("producer");
        REQUIRE(producer.has_value());
        ::kill(*producer, SIGTERM);
        CHECK(last_of(client.answers()) == "closed accepted=1 reason=leaving");
        CHECK(
            await([&] { return pipeline.stage("producer").value_or(*producer) != *producer; }, 2s));
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    }

    TEST_CASE("wire: a client that vanishes in the middle of an event disturbs nobody") {
        Pipeline pipeline;
        pipeline.start();
        for (int round = 0; round < 20; ++round) {
            SocketClient client(pipeline.socket());
            client.send("half an event");
        }
        CHECK(pipeline.enqueue_all(numbers(1, 1000)) == 1000);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == numbers(1, 1000));
    }

    TEST_CASE("wire: a client that reads no answer does not hold up the others or the stop") {
        Pipeline pipeline;
        pipeline.start();
        SocketClient deaf(pipeline.socket());
        const auto is_swallowed = [&, sent = 0]() mutable {
            for (int burst = 0; burst < 500; ++burst, ++sent) (void)deaf.send_some("x\n");
            return sent >= 200'000;
        };
        CHECK(await(is_swallowed));
        CHECK(pipeline.enqueue_all(numbers(1, 10'000)) == 10'000);
        const Stopwatch watch;
        CHECK(pipeline.stop() == 0);
        CHECK(watch.elapsed() < kAtOnce);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    }

    TEST_CASE("wire: two hundred clients at once are all served") {
        Pipeline pipeline;
        pipeline.start();
        std::vector<std::unique_ptr<SocketClient>> clients;
        std::vector<Client> expected;
        for (int number = 0; number < 200; ++number) {
            const auto prefix = "c" + std::to_string(number) + "-";
            clients.push_back(std::make_unique<SocketClient>(pipeline.socket()));
            clients.back()->send(numbers(1, 10, prefix));
            expected.push_back({prefix, 10});
        }
        for (auto& client : clients) {
            client->finish_sending();
            CHECK(last_of(client->answers()) == "closed accepted=10 reason=end");
        }
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_clients(expected, pipeline.output()) == "");
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    }

    TEST_CASE("wire: a thousand connections at once are all served, and cost little memory") {
        const ManyDescriptors limit;
        if (!limit.suffices_for(1100)) {
            MESSAGE("skipped: may not have so many descriptors");
            return;
        }
        Pipeline pipeline;
        auto command = pipeline.launcher_command();
        // Keeps freed memory out of the figures of a build with the address sanitizer.
        command.environment["ASAN_OPTIONS"] = "quarantine_size_mb=1:detect_leaks=0";
        pipeline.start(command);
        std::deque<SocketClient> clients;
        std::vector<Client> expected;
        for (int number = 0; number < 1000; ++number) {
            expected.push_back({"c" + std::to_string(number) + "-", 10});
            auto& client = clients.emplace_back(pipeline.socket());
            client.send(numbers(1, 10, expected.back().prefix) + std::string(16 * 1024, 'x'));
        }
        for (auto& client : clients) CHECK(client.await_answer("accepted=10"));
        CHECK(private_memory(pipeline.stage("producer").value()) < 64 * 1024 * 1024);
        for (auto& client : clients) client.finish_sending();
        for (auto& client : clients) {
            CHECK(last_of(client.answers()) == "closed accepted=10 reason=end");
        }
        CHECK(pipeline.stop() == 0);
        CHECK(fault_of_clients(expected, pipeline.output()) == "");
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    }
}

}  // namespace
