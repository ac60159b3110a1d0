#include "generation.hpp"

#include <doctest/doctest.h>

#include "harness/await.hpp"
#include "jet_stream.hpp"
#include "nats_server.hpp"

namespace drainpipe::nats {
namespace {

TEST_SUITE("generation") {
    TEST_CASE("generation: a moment later it is the same consumer, a while later another one") {
        Generation generation;
        CHECK_FALSE(generation.is_of("2026-11-29T08:35:39.999900000Z"));
        CHECK(generation.adopt("2026-11-29T08:35:39.999900000Z"));
        const std::string name = generation.name();
        CHECK(generation.is_of("2026-11-29T08:35:40.0001Z"));
        CHECK_FALSE(generation.adopt("2026-11-29T08:35:40.0001Z"));
        CHECK(generation.name() == name);
        CHECK_FALSE(generation.is_of("2026-11-29T08:35:41Z"));
        CHECK(generation.adopt("2026-11-29T08:35:41Z"));
        CHECK(generation.name() != name);
    }

    TEST_CASE("generation: a consumer is the same one after the server was killed") {
        test::NatsServer server;
        server.start();
        Generation generation;
        const auto created = [&] {
            return test::JetStream(server.url("", "S")).consumer("S", "C")["created"];
        };
        {
            const test::JetStream client(server.url("", "S"));
            client.make_stream("S");
            client.make_consumer("S", "C");
        }
        generation.adopt(created());
        server.kill();
        server.start();
        CHECK(generation.is_of(created()));
    }
}

}  // namespace
}  // namespace drainpipe::nats
