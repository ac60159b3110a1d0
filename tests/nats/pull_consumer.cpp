#include "pull_consumer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "ack_subject.hpp"
#include "acknowledger.hpp"
#include "harness/await.hpp"
#include "jet_stream.hpp"
#include "nats_server.hpp"

namespace drainpipe::nats {
namespace {

constexpr PullConsumer::Room kMuch{1000, 10'000'000};

// A server with a stream S and a consumer C of it, and a connection.
struct Bench {
    explicit Bench(const nlohmann::json& consumer = {}, const nlohmann::json& stream = {}) {
        server.start();
        stream_of(stream, consumer);
    }

    void stream_of(const nlohmann::json& stream, const nlohmann::json& consumer) {
        jet_stream.emplace(server.url("", "S"));
        jet_stream->make_stream("S", stream);
        jet_stream->make_consumer("S", "C", consumer);
        connect();
    }

    void connect() {
        jet_stream.emplace(server.url("", "S"));
        client.emplace(server.url("", "S"));
    }

    ConsumerInfo info() const { return ask_consumer(client->connection(), "S", "C"); }

    test::NatsServer server;
    std::optional<test::JetStream> jet_stream;
    std::optional<test::JetStream> client;
};

std::string number_of(const Delivery& delivery) {
    const std::string text(data_of(delivery.message.get()));
    return text.substr(0, text.find(' '));
}

std::string reply_of(const Delivery& delivery) { return natsMsg_GetReply(delivery.message.get()); }

// Takes so many, one way or another; acknowledges and hands on where that is wanted.
std::vector<Delivery> take_all(PullConsumer& pull, std::size_t count) {
    std::vector<Delivery> all;
    while (all.size() < count) {
        std::vector<Delivery> some = pull.take(count - all.size());
        if (some.empty()) {
            break;
        }
        std::move(some.begin(), some.end(), std::back_inserter(all));
    }
    return all;
}

TEST_SUITE("pull_consumer") {
    TEST_CASE("pull consumer: messages come in their order, as many as there is room for") {
        Bench bench;
        bench.jet_stream->publish("S", 100);
        PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
        pull.ask({40, 1'000'000});
        CHECK(pull.outstanding() == 40);
        const std::vector<Delivery> first = take_all(pull, 40);
        for (std::size_t i = 0; i < first.size(); ++i) {
            CHECK(number_of(first[i]) == std::to_string(i + 1));
        }
        pull.ask({40, 1'000'000});  // they were not handed on
        CHECK(pull.outstanding() == 0);
        CHECK(bench.info().ack_pending == 40);
        pull.hand_on(PullConsumer::size_of(first));
        pull.ask({10, 1'000'000});
        CHECK(take_all(pull, 10).size() == 10);
        CHECK(bench.info().pending == 50);
    }

    TEST_CASE("pull consumer: bytes are bounded as well") {
        Bench bench;
        bench.jet_stream->publish("S", 100, 10'000);
        PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
        pull.ask({1000, 100'000});
        const std::vector<Delivery> first = take_all(pull, 3);
        CHECK(bench.info().ack_pending >= 3);
        harness::let_pass(std::chrono::milliseconds(300));  // nothing more comes
        CHECK(bench.info().ack_pending < 10);
    }

    TEST_CASE("pull consumer: a message that needs all the room comes when all is free") {
        Bench bench;
        bench.jet_stream->publish("S", 1, 90'000);
        bench.jet_stream->publish("S", 1, 500'000, 2);
        PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
        std::vector<Delivery> taken;
        std::thread taker([&] {
            for (int i = 0; i < 2; ++i) {
                std::vector<Delivery> some = take_all(pull, 1);
                pull.hand_on(PullConsumer::size_of(some));
                std::move(some.begin(), some.end(), std::back_inserter(taken));
            }
        });
        // The second is larger than there is ever room for: it comes all the same, alone.
        CHECK(harness::await([&] {
            pull.ask({100, 100'000});
            return bench.info().ack_pending == 2;
        }));
        taker.join();
        CHECK(number_of(taken.at(0)) == "1");
        CHECK(number_of(taken.at(1)) == "2");
    }

    TEST_CASE("pull consumer: it waits for what comes, and has it at once") {
        Bench bench;
        PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
        pull.ask(kMuch);
        std::vector<Delivery> taken;
        std::thread taker([&] { taken = take_all(pull, 1); });
        CHECK(harness::await(
            [&] { return bench.jet_stream->consumer("S", "C")["num_waiting"] == 2; }));
        bench.jet_stream->publish_text("S", "x");
        taker.join();
        CHECK(taken.size() == 1);
    }

    TEST_CASE("pull consumer: requests end and are made again, and no message is lost") {
        // The server ends them after a second.
        Bench bench(nlohmann::json{{"max_expires", 1'000'000'000}, {"max_batch", 7}});
        PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
        std::size_t count = 0;
        std::thread taker([&] {
            while (count < 60) {
                const std::vector<Delivery> some = pull.take(5);
                pull.hand_on(PullConsumer::size_of(some));
                count += some.size();
            }
        });
        const harness::Stopwatch stopwatch;
        for (std::uint64_t i = 1; i <= 60; ++i) {
            bench.jet_stream->publish("S", 1, 0, i);
            pull.ask(kMuch);
            harness::let_pass(std::chrono::milliseconds(40));
        }
        CHECK(stopwatch.elapsed() > std::chrono::seconds(2));
        // A server may end a request and say nothing.
        CHECK(harness::await([&] {
            pull.look_after();
            pull.ask(kMuch);
            return bench.info().ack_pending == 60;
        }));
        taker.join();
        CHECK(count == 60);
    }

    TEST_CASE("pull consumer: news say how much waits, and bound the age of what comes after") {
        Bench bench;
        bench.jet_stream->publish("S", 3);
        PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
        std::thread taker([&] { CHECK(take_all(pull, 4).size() == 4); });
        pull.ask({2, 100'000});
        std::optional<ConsumerInfo> news;
        CHECK(harness::await([&] {
            pull.look_after();
            news = pull.news();
            return news && news->ack_pending == 2;
        }));
        CHECK(news->pending == 1);
        CHECK(news->created == bench.info().created);
        CHECK(news->ack_wait == std::chrono::seconds(30));
        bench.jet_stream->publish("S", 1);
        pull.ask({4, 100'000});
        taker.join();
    }

    TEST_CASE("pull consumer: it is said that the consumer was deleted") {
        Bench bench;
        PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
        pull.ask(kMuch);
        std::thread taker([&] { CHECK(pull.take(1).empty()); });
        CHECK(harness::await(
            [&] { return bench.jet_stream->consumer("S", "C")["num_waiting"] == 2; }));
        bench.jet_stream->ask("CONSUMER.DELETE.S.C");
        std::optional<ConsumerInfo> news;
        CHECK(harness::await([&] {
            news = pull.news();
            return news.has_value();
        }));
        REQUIRE(news->error.has_value());
        CHECK(news->error->is_no_consumer());
        pull.close();
        taker.join();
    }

    TEST_CASE("pull consumer: closed, it gives what has come, and then ends") {
        Bench bench;
        bench.jet_stream->publish("S", 20);
        PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
        pull.ask({10, 100'000});
        CHECK(harness::await([&] { return bench.info().ack_pending == 10; }));
        pull.close();
        CHECK(take_all(pull, 100).size() == 10);
        CHECK(pull.take(1).empty());
        pull.ask(kMuch);
        CHECK(pull.outstanding() == 0);
    }

    TEST_CASE("pull consumer: it ends when the server is gone") {
        Bench bench;
        PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
        pull.ask(kMuch);
        std::thread taker([&] { CHECK(pull.take(1).empty()); });
        bench.server.kill();
        taker.join();
        CHECK_THROWS(PullConsumer(bench.client->connection(), "S", "C", ConsumerInfo{}));
    }
}

TEST_SUITE("acknowledger") {
    TEST_CASE("acknowledger: the answer to the last one stands for all before it") {
        Bench bench(nlohmann::json{{"max_ack_pending", 20000}});
        constexpr std::size_t kCount = 5000;
        bench.jet_stream->publish("S", kCount);
        PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
        pull.ask({kCount * 2, 100'000'000});
        const std::vector<Delivery> all = take_all(pull, kCount);
        std::vector<Acknowledgement> some;
        for (std::size_t i = 0; i < all.size(); ++i) {
            some.push_back({reply_of(all[i]), i % 50 == 0 ? Verdict::dead : Verdict::done});
            // Batches of many sizes; after each confirmation nothing of it is pending.
            if (some.size() == i / 40 % 100 + 1 || i + 1 == all.size()) {
                REQUIRE(acknowledge(bench.client->connection(), some) == Confirmation::confirmed);
                REQUIRE(bench.info().ack_pending == kCount - i - 1);
                some.clear();
            }
        }
        CHECK(harness::await([&] { return bench.jet_stream->messages("S") == 0; }));
    }

    TEST_CASE("acknowledger: an acknowledgement works on another connection, and after a restart") {
        Bench bench;
        bench.jet_stream->publish("S", 2);
        std::vector<Acknowledgement> all;
        {
            PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
            pull.ask(kMuch);
            for (const Delivery& delivery : take_all(pull, 2)) {
                all.push_back({reply_of(delivery), Verdict::done});
            }
        }
        // The server writes what was delivered a little later.
        CHECK(harness::await([&] { return bench.info().ack_pending == 2; }));
        harness::let_pass(std::chrono::milliseconds(500));
        bench.server.kill();
        CHECK(acknowledge(bench.client->connection(), all) == Confirmation::broken);
        bench.server.start();
        bench.connect();
        CHECK(acknowledge(bench.client->connection(), all) == Confirmation::confirmed);
        CHECK(acknowledge(bench.client->connection(), all) == Confirmation::confirmed);
        CHECK(harness::await([&] { return bench.jet_stream->messages("S") == 0; }));
    }

    TEST_CASE(
        "acknowledger: what is given back comes again at once, what is in progress does not") {
        Bench bench(nlohmann::json{{"ack_wait", 1'000'000'000}});
        bench.jet_stream->publish("S", 2);
        PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
        pull.ask(kMuch);
        const std::vector<Delivery> all = take_all(pull, 2);
        const std::string held = reply_of(all[0]);
        CHECK(acknowledge(bench.client->connection(), {{reply_of(all[1]), Verdict::given_back}}) ==
              Confirmation::confirmed);
        const harness::Stopwatch stopwatch;
        const std::vector<Delivery> again = take_all(pull, 1);
        CHECK(stopwatch.elapsed() < std::chrono::milliseconds(900));
        CHECK(number_of(again.at(0)) == "2");
        CHECK(read_ack_subject(reply_of(again.at(0)))->delivered == 2);
        acknowledge(bench.client->connection(), {{reply_of(again.at(0)), Verdict::done}});

        while (stopwatch.elapsed() < std::chrono::milliseconds(2500)) {
            CHECK(acknowledge(bench.client->connection(), {{held, Verdict::in_progress}}) ==
                  Confirmation::confirmed);
            harness::let_pass(std::chrono::milliseconds(250));
        }
        CHECK(bench.jet_stream->consumer("S", "C")["num_redelivered"] == 0);
        CHECK(number_of(take_all(pull, 1).at(0)) == "1");  // nothing was said for a second
    }

    TEST_CASE("acknowledger: nobody takes in what a deleted consumer has delivered") {
        Bench bench;
        bench.jet_stream->publish("S", 1);
        PullConsumer pull(bench.client->connection(), "S", "C", bench.info());
        pull.ask(kMuch);
        const std::string reply = reply_of(take_all(pull, 1).at(0));
        bench.jet_stream->ask("CONSUMER.DELETE.S.C");
        CHECK(acknowledge(bench.client->connection(), {{reply, Verdict::done}}) ==
              Confirmation::nobody);
    }
}

}  // namespace
}  // namespace drainpipe::nats
