#include "http_listener.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "failure.hpp"
#include "http_client.hpp"
#include "scratch_directory.hpp"

using namespace drainpipe;
using namespace drainpipe::test;

namespace {

std::string refusal(const HttpAddress& address, ExitCode code) {
    try {
        const HttpListener listener(address);
    } catch (const Failure& failure) {
        CHECK(failure.code() == code);
        return failure.what();
    }
    return "";
}

// A socket that was bound and never served again.
void leave_stale_socket(const std::filesystem::path& path) {
    std::optional<HttpListener> listener(HttpAddress{.path = path});
    std::filesystem::create_hard_link(path, path.string() + ".kept");
    listener.reset();
    std::filesystem::rename(path.string() + ".kept", path);
}

std::string usage_of(const std::string& text) {
    try {
        parse_http_address("--http", text);
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::usage);
        return failure.what();
    }
    return "";
}

}  // namespace

TEST_SUITE("http_listener") {
    TEST_CASE("http address: is read and described") {
        for (const auto& address : std::initializer_list<std::pair<const char*, const char*>>{
                 {":9464", "127.0.0.1:9464"},
                 {"localhost:9464", "127.0.0.1:9464"},
                 {"0.0.0.0:80", "0.0.0.0:80"},
                 {"[::1]:9464", "[::1]:9464"},
                 {"[::]:0", "[::]:0"},
                 {"127.0.0.1:65535", "127.0.0.1:65535"},
                 {"unix:/run/x.http", "unix:/run/x.http"},
                 {"unix:x:1", "unix:x:1"}}) {
            CAPTURE(address.first);
            CHECK(parse_http_address("--http", address.first).describe() == address.second);
        }
    }

    TEST_CASE("http address: what is none is refused, with flag and value") {
        const std::string too_long = "unix:/" + std::string(107, 'x');
        for (const std::string& text :
             {std::string(), std::string("9464"), std::string(":"), std::string(":x"),
              std::string(":-1"), std::string(":65536"), std::string(":1 "), std::string("::1:80"),
              std::string("[::1]"), std::string("[127.0.0.1]:80"), std::string("example.org:80"),
              std::string("1.2.3:80"), std::string("[]:80"), std::string("unix:"), too_long}) {
            CAPTURE(text);
            CHECK(usage_of(text).find("--http: '" + text + "'") == 0);
        }
    }

    TEST_CASE("http listener: port 0 is one that is free, and is told") {
        const HttpListener one(parse_http_address("--http", ":0"));
        const HttpListener other(parse_http_address("--http", ":0"));
        CHECK(one.address().port != 0);
        CHECK(one.address().port != other.address().port);
        CHECK(one.address().describe() == "127.0.0.1:" + std::to_string(one.address().port));
        CHECK(HttpClient(one.address().port).is_connected());
        CHECK((::fcntl(one.fd(), F_GETFL) & O_NONBLOCK) != 0);
        CHECK((::fcntl(one.fd(), F_GETFD) & FD_CLOEXEC) != 0);
    }

    TEST_CASE("http listener: a port that is taken is refused, in words") {
        const HttpListener one(parse_http_address("--http", ":0"));
        const std::string said = refusal(one.address(), ExitCode::cannot_create);
        CHECK(said.find("cannot serve HTTP on " + one.address().describe() + ": ") == 0);
        CHECK(said.find("another process has that port") != std::string::npos);
    }

    TEST_CASE("http listener: an address of another host is refused") {
        CHECK(refusal({.host = "192.0.2.1", .port = 0}, ExitCode::cannot_create)
                  .find("this host has no such address") != std::string::npos);
    }

    TEST_CASE("http listener: a Unix socket is its user's alone, and gone with its maker") {
        const ScratchDirectory directory;
        const std::filesystem::path path = directory.path() / "http";
        {
            const HttpListener listener(HttpAddress{.path = path});
            struct stat info {};
            REQUIRE(::stat(path.c_str(), &info) == 0);
            CHECK((info.st_mode & 0777) == 0600);
            CHECK(HttpClient(path).is_connected());
            CHECK(listener.address().describe() == "unix:" + path.string());
        }
        CHECK_FALSE(std::filesystem::exists(path));
    }

    TEST_CASE("http listener: a process that inherits it does not take its path away") {
        const ScratchDirectory directory;
        const std::filesystem::path path = directory.path() / "http";
        std::optional<HttpListener> listener(HttpAddress{.path = path});
        const pid_t pid = ::fork();
        if (pid == 0) {
            listener.reset();
            ::_exit(0);
        }
        ::waitpid(pid, nullptr, 0);
        CHECK(std::filesystem::exists(path));
    }

    TEST_CASE("http listener: a stale socket is replaced, one that is served is not") {
        const ScratchDirectory directory;
        const std::filesystem::path path = directory.path() / "http";
        leave_stale_socket(path);
        CHECK_FALSE(HttpClient(path).is_connected());
        const HttpListener listener(HttpAddress{.path = path});
        CHECK(HttpClient(path).is_connected());
        CHECK(refusal({.path = path}, ExitCode::cannot_create).find("another process serves it") !=
              std::string::npos);
        CHECK(HttpClient(path).is_connected());
    }

    TEST_CASE("http listener: another socket that has come to its path stays") {
        const ScratchDirectory directory;
        const std::filesystem::path path = directory.path() / "http";
        std::optional<HttpListener> listener(HttpAddress{.path = path});
        std::filesystem::rename(path, directory.path() / "elsewhere");
        const HttpListener other(HttpAddress{.path = path});
        listener.reset();
        CHECK(HttpClient(path).is_connected());
    }

    TEST_CASE("http listener: what is no socket is refused and stays") {
        const ScratchDirectory directory;
        const std::filesystem::path path = directory.path() / "http";
        std::ofstream(path) << "mine";
        CHECK(refusal({.path = path}, ExitCode::cannot_create).find("is no socket") !=
              std::string::npos);
        CHECK(std::filesystem::file_size(path) == 4);
        std::filesystem::remove(path);
        std::filesystem::create_symlink(directory.path() / "nowhere", path);
        CHECK_FALSE(refusal({.path = path}, ExitCode::cannot_create).empty());
        CHECK(std::filesystem::is_symlink(path));
    }

    TEST_CASE("http listener: a directory that is missing is named") {
        const ScratchDirectory directory;
        CHECK(refusal({.path = directory.path() / "no" / "http"}, ExitCode::cannot_create)
                  .find("the directory has to be there") != std::string::npos);
    }
}
