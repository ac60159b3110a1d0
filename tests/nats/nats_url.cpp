#include "nats_url.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace drainpipe::nats {
namespace {

// The error of a URL that is refused; empty where it is not.
std::string error_of(NatsUrl (*read)(std::string_view), const std::string& url) {
    try {
        read(url);
        return {};
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
}

TEST_SUITE("nats_url") {
    TEST_CASE("NATS URL: a source has servers, a stream and a consumer") {
        const NatsUrl url = NatsUrl::of_source("nats://127.0.0.1:4333/ORDERS/workers");
        CHECK(url.servers == std::vector<std::string>{"nats://127.0.0.1:4333"});
        CHECK(url.stream == "ORDERS");
        CHECK(url.consumer == "workers");
        CHECK_FALSE(url.is_tls);
        CHECK(url.user.empty());
        CHECK(url.token.empty());
    }

    TEST_CASE("NATS URL: there may be several servers, without ports and with IPv6 addresses") {
        const NatsUrl url = NatsUrl::of_source("tls://a,b:1,[::1],[fe80::2]:2/S/C");
        CHECK(url.servers == std::vector<std::string>{"tls://a:4222", "tls://b:1",
                                                      "tls://[::1]:4222", "tls://[fe80::2]:2"});
        CHECK(url.is_tls);
        CHECK(url.described_servers() ==
              "tls://a:4222,tls://b:1,tls://[::1]:4222,tls://[fe80::2]:2");
    }

    TEST_CASE("NATS URL: user, password and token are decoded, and are in no server") {
        const NatsUrl url = NatsUrl::of_source("nats://us%40er:p%2Fa%3As@s@h:1,i/S/C");
        CHECK(url.user == "us@er");
        CHECK(url.password == "p/a:s@s");
        CHECK(url.token.empty());
        CHECK(url.described_servers() == "nats://h:1,nats://i:4222");
        CHECK(NatsUrl::of_source("nats://u:@h/S/C").user == "u");
        CHECK(NatsUrl::of_sink("nats://t%25oken@h/s").token == "t%oken");
    }

    TEST_CASE("NATS URL: a sink has a subject") {
        CHECK(NatsUrl::of_sink("nats://h/results").subject == "results");
        CHECK(NatsUrl::of_sink("nats://h/a.b/c.d%25").subject == "a.b/c.d%");
    }

    TEST_CASE("NATS URL: what is no URL is refused in one line that shows no password") {
        const std::vector<std::string> of_source{"http://h/S/C",
                                                 "nats://h",
                                                 "nats://h/S",
                                                 "nats://h/S/",
                                                 "nats://h/S/C/D",
                                                 "nats://h/S.T/C",
                                                 "nats://h/S/*",
                                                 "nats:///S/C",
                                                 "nats://h,/S/C",
                                                 "nats://h:/S/C",
                                                 "nats://h:0/S/C",
                                                 "nats://h:65536/S/C",
                                                 "nats://[::1/S/C",
                                                 "nats://[::1]1/S/C",
                                                 "nats://u:secret@/S/C",
                                                 "nats://u:secret/more@h/S/C",
                                                 "nats://u:sec%ret@h/S/C",
                                                 "nats://u:secret%@h/S/C",
                                                 "nats://u:secret@h:secret/S/C",
                                                 "nats://:secret@h/S/C",
                                                 "nats://@h/S/C",
                                                 "nats://secret@h:1x/S/C"};
        for (const std::string& url : of_source) {
            const std::string error = error_of(NatsUrl::of_source, url);
            CAPTURE(url);
            CHECK_FALSE(error.empty());
            CHECK(error.find("secret") == std::string::npos);
            CHECK(error.find("sec%") == std::string::npos);
            CHECK(error.find('\n') == std::string::npos);
        }
        for (const std::string url :
             {"nats://h", "nats://h/", "nats://h/a..b", "nats://h/.a", "nats://h/a.",
              "nats://h/a.*", "nats://h/>", "nats://h/a b", "nats://h/a%0ab"}) {
            CAPTURE(url);
            CHECK_FALSE(error_of(NatsUrl::of_sink, url).empty());
        }
        CHECK(error_of(NatsUrl::of_sink, "nats://h/a.*").find("wildcard") != std::string::npos);
        CHECK(error_of(NatsUrl::of_sink, "nats://h/a*b").empty());
    }
}

}  // namespace
}  // namespace drainpipe::nats
