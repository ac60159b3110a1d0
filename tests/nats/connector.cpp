#include "connector.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "harness/await.hpp"
#include "jet_stream.hpp"
#include "nats_server.hpp"

namespace drainpipe::nats {
namespace {

ConnectResult connect_to(const std::string& url, const SecurityFiles& files = {}) {
    return Connector(NatsUrl::of_sink(url), files, "test").try_connect();
}

TEST_SUITE("connector") {
    TEST_CASE("NATS connection: it is made where a server is, and closed when the server is gone") {
        test::NatsServer server;
        const std::string url = server.url("", "s");
        const ConnectResult none = connect_to(url);
        CHECK(none.connection == nullptr);
        CHECK(none.problem == ConnectProblem::unreachable);
        CHECK_FALSE(none.reason.empty());

        server.start();
        const ConnectResult some = connect_to(url);
        REQUIRE(some.connection != nullptr);
        CHECK(is_open(some.connection.get()));
        server.kill();
        CHECK(harness::await([&] { return !is_open(some.connection.get()); }));
        CHECK(natsConnection_PublishString(some.connection.get(), "s", "lost") ==
              NATS_CONNECTION_CLOSED);

        server.start();
        CHECK(connect_to(url).connection != nullptr);
    }

    TEST_CASE("NATS connection: one of several servers is enough") {
        test::NatsServer server;
        server.start();
        const std::string port = std::to_string(server.port());
        CHECK(connect_to("nats://127.0.0.1:1,127.0.0.1:" + port + "/s").connection != nullptr);
    }

    TEST_CASE("NATS connection: a server that says nothing any more is noticed in seconds") {
        test::NatsServer server;
        server.start();
        const ConnectResult result = connect_to(server.url("", "s"));
        REQUIRE(result.connection != nullptr);
        server.freeze();
        const harness::Stopwatch stopwatch;
        CHECK(harness::await([&] { return !is_open(result.connection.get()); }));
        CHECK(stopwatch.elapsed() < std::chrono::seconds(8));
        server.thaw();
    }

    TEST_CASE(
        "NATS connection: user and password, or a token, are needed where the server says so") {
        test::NatsServer server({.configuration = "authorization { user: u, password: \"p/w\" }"});
        server.start();
        CHECK(connect_to(server.url("u:p%2Fw@", "s")).connection != nullptr);
        for (const char* const user : {"", "u:wrong@", "u@"}) {
            const ConnectResult refused = connect_to(server.url(user, "s"));
            CHECK(refused.connection == nullptr);
            CHECK(refused.problem == ConnectProblem::refused);
            CHECK(refused.reason.find("wrong") == std::string::npos);
        }
        test::NatsServer other({.configuration = "authorization { token: t }"});
        other.start();
        CHECK(connect_to(other.url("t@", "s")).connection != nullptr);
        CHECK(connect_to(other.url("x@", "s")).problem == ConnectProblem::refused);
    }

    TEST_CASE("NATS connection: TLS, with a certificate that is trusted") {
        test::NatsServer server({.has_tls = true});
        server.start();
        const ConnectResult trusted = connect_to(server.url("", "s"), {.ca = server.ca()});
        CAPTURE(trusted.reason);
        CHECK(trusted.connection != nullptr);
        const ConnectResult untrusted = connect_to(server.url("", "s"));
        CAPTURE(untrusted.reason);
        CHECK(untrusted.connection == nullptr);
        CHECK(untrusted.problem == ConnectProblem::untrusted);

        test::NatsServer plain;
        plain.start();
        const ConnectResult without =
            connect_to("tls://127.0.0.1:" + std::to_string(plain.port()) + "/s");
        CHECK(without.problem == ConnectProblem::untrusted);
    }

    TEST_CASE("NATS connection: TLS, where clients have to show a certificate as well") {
        test::NatsServer server({.has_tls = true, .verifies_clients = true});
        server.start();
        const SecurityFiles all{.ca = server.ca(),
                                .certificate = server.certificate(),
                                .key = server.key(),
                                .credentials = {}};
        const ConnectResult accepted = connect_to(server.url("", "s"), all);
        CAPTURE(accepted.reason);
        CHECK(accepted.connection != nullptr);
        CHECK(connect_to(server.url("", "s"), {.ca = server.ca()}).connection == nullptr);
    }

    TEST_CASE("NATS connection: a file that can't be used is named") {
        const NatsUrl url = NatsUrl::of_sink("tls://127.0.0.1:1/s");
        CHECK_THROWS_WITH_AS(Connector(url, {.ca = "/nowhere/ca.pem"}, "test"),
                             doctest::Contains("/nowhere/ca.pem"), std::runtime_error);
        CHECK_THROWS_WITH_AS(Connector(url, {.certificate = "/nowhere/cert.pem"}, "test"),
                             doctest::Contains("--nats-key"), std::runtime_error);
    }

    TEST_CASE("NATS connection: the pauses between attempts double up to five seconds") {
        Backoff backoff;
        std::chrono::milliseconds expected{100};
        for (int i = 0; i < 10; ++i) {
            const std::chrono::milliseconds pause = backoff.next();
            CHECK(pause <= expected);
            CHECK(pause >= expected * 3 / 4);
            expected = std::min(expected * 2, std::chrono::milliseconds(5000));
        }
        backoff.reset();
        CHECK(backoff.next() <= std::chrono::milliseconds(100));
    }
}

}  // namespace
}  // namespace drainpipe::nats
