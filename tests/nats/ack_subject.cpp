#include "ack_subject.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace drainpipe::nats {
namespace {

TEST_SUITE("ack_subject") {
    TEST_CASE("ack subject: it says which message of which consumer, and how often it came") {
        const auto subject =
            read_ack_subject("$JS.ACK.ORDERS.workers.2.17.40.1795922830402757509.9");
        REQUIRE(subject.has_value());
        CHECK(subject->stream == "ORDERS");
        CHECK(subject->consumer == "workers");
        CHECK(subject->delivered == 2);
        CHECK(subject->stream_sequence == 17);
        CHECK(subject->timestamp == 1795922830402757509);
    }

    TEST_CASE("ack subject: a domain and an account's hash may stand before, and more behind") {
        for (const char* const text :
             {"$JS.ACK.hub.Xy0.S.C.2.17.40.5.9", "$JS.ACK._.Xy0.S.C.2.17.40.5.9.r"}) {
            const auto subject = read_ack_subject(text);
            REQUIRE(subject.has_value());
            CHECK(subject->stream == "S");
            CHECK(subject->consumer == "C");
            CHECK(subject->stream_sequence == 17);
            CHECK(subject->timestamp == 5);
        }
    }

    TEST_CASE("ack subject: what is none is none") {
        for (const char* const text :
             {"", "x", "$JS.ACK.", "$JS.ACK.S.C.1.2.3.4", "$JS.ACK.S.C.1.2.3.4.5.6",
              "$JS.ACK.S.C.1.x.3.4.5", "$JS.ACK.S.C..2.3.4.5", "$JS.FC.S.C.1.2.3.4.5"}) {
            CAPTURE(text);
            CHECK_FALSE(read_ack_subject(text).has_value());
        }
    }

    TEST_CASE("ack subject: the key is the message's, however often it is delivered") {
        const auto key = [](const char* text, const char* created) {
            return key_of(*read_ack_subject(text), created);
        };
        CHECK(key("$JS.ACK.S.C.1.2.3.4.5", "now") == key("$JS.ACK.S.C.2.2.9.4.0", "now"));
        CHECK(key("$JS.ACK.S.C.1.2.3.4.5", "now") != key("$JS.ACK.S.C.1.2.3.4.5", "then"));
        std::set<std::uint64_t> keys;
        for (int sequence = 1; sequence <= 100; ++sequence) {
            for (int timestamp = 1; timestamp <= 100; ++timestamp) {
                const std::string text = "$JS.ACK.S.C.1." + std::to_string(sequence) + ".1." +
                                         std::to_string(timestamp) + ".0";
                keys.insert(key(text.c_str(), "now"));
            }
        }
        CHECK(keys.size() == 100 * 100);
        CHECK(keys.count(0) == 0);
    }
}

}  // namespace
}  // namespace drainpipe::nats
