#include "drainpipe/endpoint.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "attributes.hpp"
#include "credentials.hpp"
#include "endpoint_file.hpp"
#include "endpoint_variables.hpp"
#include "failure.hpp"

using namespace drainpipe;

TEST_SUITE("endpoint") {
    TEST_CASE("endpoint: a URL is described without user and password, whatever they are") {
        const auto described = [](const std::string& url) { return Endpoint{url, {}}.described(); };
        CHECK(described("nats://h:1/S/C") == "nats://h:1/S/C");
        CHECK(described("nats://user:secret@h:1,g:2/S/C") == "nats://h:1,g:2/S/C");
        CHECK(described("nats://token@h/S") == "nats://h/S");
        CHECK(described("nats://u:p@h:1,v:q@g:2/S") == "nats://g:2/S");
        CHECK(described("nats://u:s/cret@x@h/S") == "nats://h/S");
        CHECK(described("nats://u:p://q@h/S") == "nats://h/S");
        CHECK(described("user:secret@h/S") == "h/S");
        CHECK(described("nats://u:secret@") == "nats://");
        CHECK(described("") == "");
    }

    TEST_CASE("endpoint: in other texts only a URL is hidden") {
        CHECK(with_hidden_credentials("source = nats://u:p@h/S") == "source = nats://h/S");
        CHECK(with_hidden_credentials("name = a@b") == "name = a@b");
    }

    TEST_CASE("endpoint: an option that was not given is empty") {
        const Endpoint endpoint{"nats://h/S", {{"nats-ca", "/ca.pem"}}};
        CHECK(endpoint.option("nats-ca") == "/ca.pem");
        CHECK(endpoint.option("nats-key") == "");
    }

    TEST_CASE("endpoint: its file is read as often as it is wanted, and is never changed") {
        const Endpoint endpoint{"nats://u:p=q@h/S/C",
                                {{"nats-ca", "/a=b/ca.pem"}, {"nats-creds", "/c"}}};
        const Descriptor file = write_endpoint(endpoint);
        for (int time = 0; time < 2; ++time) {
            const Endpoint read = read_endpoint(file.get());
            CHECK(read.url == endpoint.url);
            CHECK(read.options == endpoint.options);
        }
        CHECK(::pwrite(file.get(), "x", 1, 0) == -1);
        CHECK(::ftruncate(file.get(), 0) == -1);
    }

    TEST_CASE("endpoint: what is no such file is refused, also one that has no end") {
        for (const char* const path : {"/dev/zero", "/dev/null", "/etc/passwd"}) {
            const Descriptor file(::open(path, O_RDONLY | O_CLOEXEC));
            CHECK_THROWS_AS(read_endpoint(file.get()), Failure);
        }
    }

    TEST_CASE("endpoint: credentials are overwritten on a command line and in the environment") {
        std::string program = "launcher";
        std::string flag = "--source";
        std::string value = "nats://u:secret@h/S";
        std::string both = "--sink=nats://token@h/S";
        std::string other = "--exec=curl http://u:kept@h";
        char* words[] = {program.data(), flag.data(), value.data(), both.data(), other.data()};
        ::setenv("DRAINPIPE_SINK", "nats://u:secret@h/S", 1);
        const char* const in_environment = std::getenv("DRAINPIPE_SINK");
        hide_credentials(5, words);
        CHECK(value == "nats://********@h/S");
        CHECK(both == "--sink=nats://*****@h/S");
        CHECK(other == "--exec=curl http://u:kept@h");
        CHECK(std::getenv("DRAINPIPE_SINK") == nullptr);
        CHECK(std::string(in_environment) == "nats://********@h/S");
    }

    TEST_CASE("endpoint: a stage that is started by hand finds it in the environment") {
        ::unsetenv("DRAINPIPE_SOURCE");
        CHECK_FALSE(endpoint_in_environment("source"));
        ::setenv("DRAINPIPE_SOURCE", "nats://u:p@h/S", 1);
        ::setenv("DRAINPIPE_NATS_CA", "ca.pem", 1);
        const auto endpoint = endpoint_in_environment("source");
        REQUIRE(endpoint);
        CHECK(endpoint->url == "nats://u:p@h/S");
        CHECK(endpoint->option("nats-ca").front() == '/');
        CHECK(endpoint->option("nats-ca").ends_with("/ca.pem"));
        ::unsetenv("DRAINPIPE_NATS_CA");
        hide_credentials_in_environment();
        CHECK_FALSE(endpoint_in_environment("source"));
    }

    TEST_CASE("endpoint: attributes are taken one by one, and what is none is passed over") {
        std::string seen;
        const std::string attributes("A=1\0B=x=y\0=n\0n\0C=\0", 18);
        for_each_attribute(attributes, [&](std::string_view name, std::string_view value) {
            seen.append(name).append(1, ':').append(value).append(1, ' ');
        });
        CHECK(seen == "A:1 B:x=y C: ");
        for_each_attribute("", [&](std::string_view, std::string_view) { FAIL("there is none"); });
    }
}
