#include "harness/pipeline.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/await.hpp"
#include "harness/files.hpp"
#include "jet_stream.hpp"
#include "nats_server.hpp"

namespace drainpipe::nats {
namespace {

using harness::await;
using harness::Flags;
using harness::Pipeline;

constexpr int kUsage = 64;
constexpr int kDown = 69;
constexpr int kCantUse = 73;
constexpr int kDenied = 77;

// A server with a stream S, and its consumer C with an AckWait of a second or two.
struct Site {
    explicit Site(int ack_wait_milliseconds = 2000, const test::NatsServer::Settings& settings = {})
        : server(settings) {
        server.start();
        const test::JetStream client = jet_stream();
        client.make_stream("S");
        client.make_consumer("S", "C",
                             nlohmann::json{{"ack_wait", ack_wait_milliseconds * 1'000'000LL}});
    }

    test::JetStream jet_stream() const { return test::JetStream(server.url("", "S")); }
    // By the consumer. A server that was killed may keep messages in a stream that it has let go.
    bool await_all_acknowledged(std::chrono::milliseconds limit = harness::kTimeout) const {
        const test::JetStream client = jet_stream();
        return await(
            [&] {
                const nlohmann::json info = client.consumer("S", "C");
                return info["num_pending"] == 0 && info["num_ack_pending"] == 0;
            },
            limit);
    }
    Flags source(const Flags& more = {}) const {
        Flags flags{"--source", server.url("", "S/C")};
        flags.insert(flags.end(), more.begin(), more.end());
        return flags;
    }

    test::NatsServer server;
};

// How often each payload was done, by all of these outputs.
std::map<int, int> done_in(const std::vector<std::string>& outputs) {
    std::map<int, int> counts;
    for (const std::string& output : outputs) {
        for (const std::string_view line : harness::lines_of(output)) {
            ++counts[std::stoi(std::string(line))];
        }
    }
    return counts;
}

int repeats_in(const std::map<int, int>& counts) {
    int repeats = 0;
    for (const auto& [number, count] : counts) {
        repeats += count - 1;
    }
    return repeats;
}

bool is_any_in_command_lines(const std::string& text) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::filesystem::path file = entry.path() / "cmdline";
        std::error_code error;
        if (std::filesystem::exists(file, error) && entry.path().filename() != "self" &&
            harness::read_text(file).find(text) != std::string::npos) {
            return true;
        }
    }
    return false;
}

TEST_SUITE("nats_pipeline") {
    TEST_CASE("NATS source: each message is done once, and acknowledged when it is") {
        Site site;
        site.jet_stream().publish("S", 3000);
        Pipeline pipeline;
        pipeline.start(site.source());
        CHECK(pipeline.await_output(3000));
        CHECK(site.await_all_acknowledged());
        site.jet_stream().publish("S", 1, 0, 3001);
        CHECK(pipeline.await_output(3001));
        CHECK(site.await_all_acknowledged());
        const std::map<int, int> counts = done_in({pipeline.output()});
        CHECK(counts.size() == 3001);
        CHECK(repeats_in(counts) == 0);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("NATS source: commands get subject and sequence, and what is dead is terminated") {
        Site site;
        site.jet_stream().publish("S.a", 1);
        site.jet_stream().publish("S.bad", 1);
        Pipeline pipeline;
        pipeline.start(site.source({"--retries", "0", "--exec",
                                    "echo $DRAINPIPE_NATS_SUBJECT $DRAINPIPE_NATS_SEQUENCE; test "
                                    "$DRAINPIPE_NATS_SUBJECT != S.bad"}));
        CHECK(site.await_all_acknowledged());
        CHECK(pipeline.output().find("S.a 1\n") != std::string::npos);
        CHECK(harness::read_text(pipeline.log_dir() / "dead.ndjson").find("S.bad") !=
              std::string::npos);
        CHECK(pipeline.stop() == 65);  // there are dead letters
    }

    TEST_CASE("NATS source: what can't be used ends the start in one line that says why") {
        const test::NatsServer::Settings settings{
            .configuration = "authorization { user: me, password: geheim }"};
        test::NatsServer server(settings);
        server.start();
        const std::string user = "me:geheim@";
        const test::JetStream client(server.url(user, "S"));
        client.make_stream("S");
        client.make_stream("T", nlohmann::json{{"retention", "limits"}});
        client.make_consumer("T", "pushed", nlohmann::json{{"deliver_subject", "d"}});
        client.make_consumer("T", "none", nlohmann::json{{"ack_policy", "none"}});
        const auto end_of = [&](const std::string& url, int code, const std::string& words) {
            Pipeline pipeline;
            harness::Process& launcher = pipeline.launch({"--source", url});
            CAPTURE(url);
            CHECK(launcher.wait() == code);
            const std::string errors = pipeline.errors();
            CAPTURE(errors);
            CHECK(errors.find(words) != std::string::npos);
            CHECK(errors.find("geheim") == std::string::npos);
            CHECK(errors.find("falsch") == std::string::npos);
        };
        end_of(server.url(user, "NONE/C"), kDown, "stream NONE");
        end_of(server.url(user, "T/pushed"), kCantUse, "push consumer");
        end_of(server.url(user, "T/none"), kCantUse, "explicit");
        end_of(server.url("me:falsch@", "S/C"), kDenied, "nobody in");
    }

    TEST_CASE("NATS source: a consumer that is not there is made; a password is seen nowhere") {
        const test::NatsServer::Settings settings{
            .configuration = "authorization { user: me, password: geheim }"};
        test::NatsServer server(settings);
        server.start();
        const test::JetStream client(server.url("me:geheim@", "S"));
        client.make_stream("S");
        client.publish("S", 10);
        Pipeline pipeline;
        std::ofstream(pipeline.directory() / "config")
            << "source = " << server.url("me:geheim@", "S/fresh") << "\n";
        pipeline.start({"--config", (pipeline.directory() / "config").string()});
        CHECK(pipeline.await_output(10));
        CHECK(client.consumer("S", "fresh")["config"]["ack_policy"] == "explicit");
        CHECK(pipeline.errors().find("was made") != std::string::npos);
        CHECK_FALSE(is_any_in_command_lines("geheim"));
        CHECK(pipeline.stop() == 0);
        CHECK((pipeline.errors() + harness::read_text(pipeline.log_file())).find("geheim") ==
              std::string::npos);
    }

    TEST_CASE("NATS source: it waits for a server, as long as it is to") {
        test::NatsServer server;
        Pipeline pipeline;
        pipeline.launch({"--source", server.url("", "S/C")});
        CHECK(await([&] { return pipeline.errors().find("can't connect") != std::string::npos; }));
        server.start();
        const test::JetStream client(server.url("", "S"));
        Pipeline impatient;
        test::NatsServer nowhere;
        CHECK(impatient.launch({"--source", nowhere.url("", "S/C"), "--source-timeout", "1s"})
                  .wait() == kDown);
        // It is not there yet, and now it is refused.
        CHECK(pipeline.launcher().wait() == kDown);
    }

    TEST_CASE("NATS source: kills of everything, in any order, lose nothing") {
        Site site;
        constexpr int kCount = 4000;
        site.jet_stream().publish("S", kCount);
        Pipeline pipeline;
        std::vector<std::string> outputs;
        const Flags flags = site.source({"--rate", "1000/s", "--consumers", "2"});
        pipeline.start(flags);
        int killed_consumers = 0;
        const auto kill_stage = [&](const char* role) {
            if (const auto pid = pipeline.stage(role)) {
                ::kill(*pid, SIGKILL);
            }
        };
        for (int round = 0; round < 8; ++round) {
            harness::let_pass(std::chrono::milliseconds(150));
            switch (round % 4) {
                case 0:
                    kill_stage("producer");
                    break;
                case 1:
                    kill_stage("consumer");
                    ++killed_consumers;
                    break;
                case 2:
                    site.server.kill();
                    site.server.start();
                    break;
                default:
                    pipeline.kill_all();
                    outputs.push_back(pipeline.output());
                    killed_consumers += 2;
                    pipeline.start(flags);
                    break;
            }
        }
        CHECK(site.await_all_acknowledged(std::chrono::seconds(60)));
        CHECK(pipeline.stop() == 0);
        outputs.push_back(pipeline.output());
        const std::map<int, int> counts = done_in(outputs);
        CHECK(counts.size() == kCount);
        // What was worked on, and what was done and not committed, of each consumer.
        CHECK(repeats_in(counts) <= 64 * killed_consumers);
        MESSAGE(repeats_in(counts), " of ", kCount, " were done twice");
    }

    TEST_CASE("NATS: a URL or a file that can't be used ends the pipeline at once, with one line") {
        struct Case {
            Flags flags;
            int code;
            std::string words;
        };
        const std::vector<Case> cases = {
            {{"--source", "nats://127.0.0.1:xx/S/C"}, kUsage, "port is not a number"},
            {{"--source", "nats://127.0.0.1:1/S/C/D"}, kUsage, "STREAM/CONSUMER"},
            {{"--source", "tls://127.0.0.1:1/S/C", "--nats-ca", "/nowhere"},
             kCantUse,
             "--nats-ca /nowhere can't be read: No such file or directory"},
            {{"--sink", "nats://127.0.0.1:1/a.*"}, kUsage, "has a wildcard"},
            {{"--sink", "tls://127.0.0.1:1/a", "--nats-creds", "/nowhere"},
             kCantUse,
             "--nats-creds /nowhere can't be read: No such file or directory"}};
        for (const Case& one : cases) {
            CAPTURE(one.words);
            Pipeline pipeline;
            pipeline.launch(one.flags);
            CHECK(pipeline.launcher().wait() == one.code);
            const std::string errors = pipeline.errors();
            CAPTURE(errors);
            const auto said = errors.find(one.words);
            REQUIRE(said != std::string::npos);
            CHECK(errors.find(one.words, said + 1) == std::string::npos);
            CHECK(errors.find("internal fault") == std::string::npos);
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("NATS source: a killed source's events are recognised, and not done again") {
        Site site(1000);
        site.jet_stream().publish("S", 300);
        Pipeline pipeline;
        pipeline.start(site.source({"--rate", "150/s"}));
        for (int kill = 0; kill < 5; ++kill) {
            harness::let_pass(std::chrono::milliseconds(300));
            if (const auto pid = pipeline.stage("producer")) {
                ::kill(*pid, SIGKILL);
            }
        }
        CHECK(site.await_all_acknowledged());
        CHECK(repeats_in(done_in({pipeline.output()})) == 0);
        CHECK(done_in({pipeline.output()}).size() == 300);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE(
        "NATS source: a server that is killed and has lost acknowledgements repeats nothing") {
        Site site;
        site.jet_stream().publish("S", 3000);
        Pipeline pipeline;
        pipeline.start(site.source({"--rate", "1000/s"}));
        for (const int output : {500, 1000, 1500, 2000}) {
            CHECK(pipeline.await_output(output));
            site.server.kill();
            site.server.start();
        }
        CHECK(pipeline.await_output(3000));
        CHECK(site.await_all_acknowledged());
        CHECK(repeats_in(done_in({pipeline.output()})) == 0);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("NATS source: a server that has lost acknowledgements is told them again at once") {
        // What was on its way when it was killed comes again after this long, so all else is told.
        Site site(60'000);
        constexpr std::uint64_t kCount = 4000;
        site.jet_stream().publish("S", kCount);
        Pipeline pipeline;
        pipeline.start(site.source({"--rate", "1000/s"}));
        for (const std::uint64_t output : {400, 800, 1200}) {
            CHECK(pipeline.await_output(output));
            site.server.kill();
            site.server.start();
        }
        const test::JetStream client = site.jet_stream();
        CHECK(await([&] {
            const nlohmann::json info = client.consumer("S", "C");
            const std::uint64_t undone = info["num_pending"].get<std::uint64_t>() +
                                         info["num_ack_pending"].get<std::uint64_t>();
            const std::uint64_t done = harness::lines_of(pipeline.output()).size();
            return undone < kCount / 2 && undone + done == kCount;
        }));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE(
        "NATS source: two pipelines share the work; what is frozen is done by the other once") {
        Site site(1500);
        constexpr int kCount = 600;
        site.jet_stream().publish("S", kCount);
        Pipeline one;
        Pipeline other;
        const Flags slow = site.source({"--rate", "200/s", "--capacity", "200"});
        one.start(slow);
        other.start(slow);
        CHECK(one.await_output(20));
        CHECK(other.await_output(20));
        // A machine that stands still for longer than AckWait, and then goes on.
        const auto send_all = [&](int signal) {
            for (const char* const role : {"producer", "consumer"}) {
                if (const auto pid = one.stage(role)) {
                    ::kill(*pid, signal);
                }
            }
        };
        send_all(SIGSTOP);
        harness::let_pass(std::chrono::milliseconds(4000));
        send_all(SIGCONT);
        CHECK(site.await_all_acknowledged());
        const std::map<int, int> counts = done_in({one.output(), other.output()});
        CHECK(counts.size() == kCount);
        // What was worked on when it stood still, and what was done and not acknowledged.
        CHECK(repeats_in(counts) <= 64);
        MESSAGE(repeats_in(counts), " of ", kCount, " were done twice");
        CHECK(one.stop() == 0);
        CHECK(other.stop() == 0);
    }

    TEST_CASE("NATS source: a stop gives back what it can't do, where it is told to") {
        Site site(12'000);
        site.jet_stream().publish("S", 200);
        Pipeline one;
        one.start(site.source({"--exec", "sleep 0.05; echo $1", "--grace", "2s", "--give-back"}));
        CHECK(one.await_output(5));
        CHECK(one.stop() >= 0);
        const std::string first = one.output();
        Pipeline other;
        other.start(site.source());
        // Long before AckWait; but for one, of which a server of 2.9 loses sight for so long where
        // nobody asks at the time.
        CHECK(other.await_output(130, std::chrono::seconds(6)));
        CHECK(site.await_all_acknowledged());
        const std::map<int, int> counts = done_in({first, other.output()});
        CHECK(counts.size() == 200);
        CHECK(repeats_in(counts) <= 1);
        CHECK(other.stop() == 0);
    }

    TEST_CASE("NATS source: what a stop leaves is done by others, or at the next start, once") {
        Site site(1000);
        site.jet_stream().publish("S", 100);
        Pipeline one;
        const Flags slow = site.source({"--exec", "sleep 0.05; echo $1", "--grace", "1s"});
        one.start(slow);
        CHECK(one.await_output(5));
        one.stop();
        const std::string first = one.output();
        Pipeline other;
        other.start(site.source({"--exec", "sleep 0.02; echo $1"}));
        CHECK(other.await_output(10));
        one.start(site.source());
        CHECK(site.await_all_acknowledged());
        const std::map<int, int> counts = done_in({first, one.output(), other.output()});
        CHECK(counts.size() == 100);
        CHECK(repeats_in(counts) <= 1);
        CHECK(one.stop() == 0);
        CHECK(other.stop() == 0);
    }

    TEST_CASE("NATS: any bytes go through, from none to a MiB, with headers and without") {
        // Room for the headers that a sink adds to a MiB.
        const Site site(2000, {.configuration = "max_payload: 2MB"});
        const test::JetStream client = site.jet_stream();
        client.make_stream("R");
        std::string binary;
        for (int byte = 0; byte < 256; ++byte) {
            binary.push_back(static_cast<char>(byte));
        }
        const std::vector<std::string> payloads = {"", binary, std::string(1024 * 1024, '\n'),
                                                   "the last"};
        for (const std::string& payload : payloads) {
            client.publish_text("S", payload);
        }
        client.publish_with_header("S", "Colour", "blue", "with a header");
        Pipeline pipeline;
        pipeline.start(site.source({"--exec", "cat", "--jobs", "1", "--retries", "0", "--sink",
                                    site.server.url("", "R")}));
        CHECK(await([&] { return client.messages("R") == 5; }));
        CHECK(site.await_all_acknowledged());
        CHECK(pipeline.stop() == 0);
        std::vector<std::string> expected = payloads;
        expected.push_back("with a header");
        CHECK((client.payloads("R") == expected));  // they are not shown
    }

    TEST_CASE("NATS: a pipeline from and to a server over TLS") {
        const test::NatsServer::Settings settings{.has_tls = true, .verifies_clients = true};
        test::NatsServer server(settings);
        server.start();
        const test::JetStream client(
            server.url("", "S"),
            {.ca = server.ca(), .certificate = server.certificate(), .key = server.key()});
        client.make_stream("S");
        client.make_stream("R");
        client.publish("S", 500);
        Pipeline pipeline;
        pipeline.start({"--source", server.url("", "S/C"), "--sink", server.url("", "R"),
                        "--nats-ca", server.ca(), "--nats-cert", server.certificate(), "--nats-key",
                        server.key()});
        CHECK(await([&] { return client.messages("R") == 500; }));
        CHECK(await([&] { return client.messages("S") == 0; }));
        CHECK(pipeline.stop() == 0);
        Pipeline stranger;
        stranger.launch({"--source", server.url("", "S/C"), "--nats-ca", server.ca()});
        CHECK(await([&] { return stranger.errors().find("--nats-cert") != std::string::npos; }));
        CHECK(stranger.stop() == 0);
    }

    TEST_CASE("NATS source: a stream that is no work queue is used, and that is said once") {
        test::NatsServer server;
        server.start();
        const test::JetStream client(server.url("", "S"));
        client.make_stream("S", nlohmann::json{{"retention", "limits"}});
        client.publish("S", 20);
        Pipeline pipeline;
        pipeline.start({"--source", server.url("", "S/C")});
        CHECK(pipeline.await_output(20));
        CHECK(await([&] { return client.ack_pending("S", "C") == 0; }));
        CHECK(pipeline.stop() == 0);
        CHECK(client.messages("S") == 20);
        const std::string errors = pipeline.errors();
        const auto said = errors.find("is no work queue");
        REQUIRE(said != std::string::npos);
        CHECK(errors.find("is no work queue", said + 1) == std::string::npos);
    }

    TEST_CASE("NATS sink: what the work writes is stored once, though the server is killed") {
        Site site;
        Pipeline pipeline;
        harness::write_text(pipeline.directory() / "lines", harness::numbers(1, 5000));
        pipeline.launch({"--from", (pipeline.directory() / "lines").string(), "--sink",
                         site.server.url("", "S"), "--rate", "2500/s"});
        for (int kill = 0; kill < 3; ++kill) {
            const std::uint64_t before = site.jet_stream().messages("S");
            CHECK(await([&] {
                return site.jet_stream().messages("S") > before + 100 ||
                       pipeline.launcher().has_ended();
            }));
            site.server.kill();
            site.server.start();
        }
        CHECK(pipeline.launcher().wait(std::chrono::seconds(60)) == 0);
        std::vector<std::string> stored = site.jet_stream().payloads("S");
        CHECK(stored.size() == 5000);
        CHECK(std::set<std::string>(stored.begin(), stored.end()).size() == 5000);
    }

    TEST_CASE("NATS sink: a source and a sink, with a command in between") {
        Site site;
        const test::JetStream client = site.jet_stream();
        client.make_stream("R");
        client.publish("S", 20);
        Pipeline pipeline;
        pipeline.start(site.source(
            {"--exec", "read n; echo $((n * 2))", "--sink", site.server.url("", "R.results")}));
        CHECK(await([&] { return client.messages("R") == 20; }));
        CHECK(site.await_all_acknowledged());
        CHECK(pipeline.stop() == 0);
        int sum = 0;
        for (const std::string& payload : client.payloads("R")) {
            sum += std::stoi(payload);
        }
        CHECK(sum == 2 * 20 * 21 / 2);
    }
}

}  // namespace
}  // namespace drainpipe::nats
