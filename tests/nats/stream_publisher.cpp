#include "stream_publisher.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "harness/await.hpp"
#include "jet_stream.hpp"
#include "nats_server.hpp"

namespace drainpipe::nats {
namespace {

// What a test's publications and its publisher have said.
struct Told {
    std::mutex mutex;
    std::vector<std::string> stored;
    std::vector<std::string> refused;
    std::vector<std::string> warnings;
    std::atomic<bool> is_connected{false};

    std::size_t count() {
        const std::lock_guard lock(mutex);
        return stored.size();
    }
    std::size_t refusals() {
        const std::lock_guard lock(mutex);
        return refused.size();
    }
    bool has_warned(const std::string& words) {
        const std::lock_guard lock(mutex);
        return std::any_of(warnings.begin(), warnings.end(), [&](const std::string& line) {
            return line.find(words) != std::string::npos;
        });
    }
    std::size_t count_warnings() {
        const std::lock_guard lock(mutex);
        return warnings.size();
    }
    StreamPublisher::Host host() {
        return {.report_connected = [this](bool is) { is_connected = is; },
                .info = [](const std::string&) {},
                .warn =
                    [this](const std::string& what) {
                        const std::lock_guard lock(mutex);
                        warnings.push_back(what);
                    }};
    }
};

class Line : public Publication {
  public:
    Line(Told& told, std::string data) : told_(told), data_(std::move(data)) {}

    std::string id() const override { return "run-" + data_.substr(0, 20); }
    std::string_view data() const override { return data_; }
    void stored() override {
        const std::lock_guard lock(told_.mutex);
        told_.stored.push_back(data_);
    }
    void refused(const std::string& why) override {
        const std::lock_guard lock(told_.mutex);
        told_.refused.push_back(why);
    }

  private:
    Told& told_;
    std::string data_;
};

void publish_numbers(StreamPublisher& publisher, Told& told, int first, int last) {
    for (int i = first; i <= last; ++i) {
        publisher.publish(std::make_unique<Line>(told, std::to_string(i)));
    }
}

std::vector<std::string> sorted_numbers(int first, int last) {
    std::vector<std::string> numbers;
    for (int i = first; i <= last; ++i) {
        numbers.push_back(std::to_string(i));
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

std::vector<std::string> sorted(std::vector<std::string> lines) {
    std::sort(lines.begin(), lines.end());
    return lines;
}

TEST_SUITE("stream_publisher") {
    TEST_CASE("stream publisher: each is stored once, and told when it is") {
        test::NatsServer server;
        server.start();
        const test::JetStream jet_stream(server.url("", "S"));
        jet_stream.make_stream("S");
        Told told;
        StreamPublisher publisher(NatsUrl::of_sink(server.url("", "S")), {}, told.host());
        publish_numbers(publisher, told, 1, 1000);
        CHECK(harness::await([&] { return told.count() == 1000; }));
        CHECK(sorted(jet_stream.payloads("S")) == sorted_numbers(1, 1000));
        CHECK(told.is_connected);
        CHECK(told.count_warnings() == 0);
        // Again with the same ids, as after a crash.
        publish_numbers(publisher, told, 1, 10);
        CHECK(harness::await([&] { return told.count() == 1010; }));
        CHECK(jet_stream.messages("S") == 1000);
    }

    TEST_CASE("stream publisher: it waits for a server, and says so once") {
        test::NatsServer server;
        Told told;
        StreamPublisher publisher(NatsUrl::of_sink(server.url("", "S")), {}, told.host());
        publish_numbers(publisher, told, 1, 10);
        CHECK(harness::await([&] { return told.has_warned("can't connect"); }));
        harness::let_pass(std::chrono::milliseconds(800));
        CHECK(told.count_warnings() == 1);
        server.start();
        // There is no stream yet.
        CHECK(harness::await([&] { return told.has_warned("no stream takes in"); }));
        CHECK(told.count() == 0);
        test::JetStream(server.url("", "S")).make_stream("S");
        CHECK(harness::await([&] { return told.count() == 10; }));
    }

    TEST_CASE("stream publisher: kills of the server lose nothing and store nothing twice") {
        test::NatsServer server;
        server.start();
        test::JetStream(server.url("", "S")).make_stream("S");
        Told told;
        StreamPublisher publisher(NatsUrl::of_sink(server.url("", "S")), {}, told.host());
        int last = 0;
        for (int kill = 0; kill < 4; ++kill) {
            publish_numbers(publisher, told, last + 1, last + 2000);
            last += 2000;
            const std::size_t before = told.count();
            CHECK(harness::await([&] { return told.count() > before; }));
            server.kill();
            server.start();
        }
        CHECK(harness::await([&] { return told.count() == static_cast<std::size_t>(last); }));
        CHECK(sorted(test::JetStream(server.url("", "S")).payloads("S")) ==
              sorted_numbers(1, last));
        CHECK(sorted(told.stored) == sorted_numbers(1, last));
    }

    TEST_CASE("stream publisher: what is too large is refused, all else is stored") {
        test::NatsServer server({.configuration = "max_payload: 2000"});
        server.start();
        const test::JetStream jet_stream(server.url("", "S"));
        jet_stream.make_stream("S", nlohmann::json{{"max_msg_size", 1000}});
        Told told;
        StreamPublisher publisher(NatsUrl::of_sink(server.url("", "S")), {}, told.host());
        publisher.publish(std::make_unique<Line>(told, std::string(3000, 'x')));
        publisher.publish(std::make_unique<Line>(told, std::string(1500, 'y')));
        publisher.publish(std::make_unique<Line>(told, "small"));
        CHECK(harness::await([&] { return told.refusals() == 2 && told.count() == 1; }));
        CHECK(told.refused[0].find("3000") != std::string::npos);
        CHECK(told.refused[0].find("2000") != std::string::npos);
        CHECK(told.refused[1].find("1500") != std::string::npos);
    }

    TEST_CASE("stream publisher: a stream that is full is waited for") {
        test::NatsServer server;
        server.start();
        const test::JetStream jet_stream(server.url("", "S"));
        jet_stream.make_stream("S", nlohmann::json{{"max_msgs", 5}, {"discard", "new"}});
        Told told;
        StreamPublisher publisher(NatsUrl::of_sink(server.url("", "S")), {}, told.host());
        publish_numbers(publisher, told, 1, 8);
        CHECK(harness::await([&] { return told.has_warned("maximum messages"); }));
        CHECK(told.count() == 5);
        jet_stream.ask("STREAM.PURGE.S");
        CHECK(harness::await([&] { return told.count() == 8; }));
        CHECK(told.refusals() == 0);
    }
}

}  // namespace
}  // namespace drainpipe::nats
