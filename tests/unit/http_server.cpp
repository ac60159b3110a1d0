#include "http_server.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <list>
#include <stdexcept>
#include <thread>
#include <vector>

#include "http_client.hpp"
#include "http_listener.hpp"
#include "scratch_directory.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

HttpAnswer canned_answer(std::string_view path) {
    if (path == "/a") return {.body = "alpha\n"};
    if (path == "/b") return {.body = "beta\n"};
    if (path == "/large") return {.body = std::string(16 << 20, 'x')};
    if (path == "/fault") throw std::runtime_error("a secret");
    return {.status = 404, .body = "nothing is here\n"};
}

// A server in a thread of its own, which leaves with it.
class ServedHttp {
  public:
    explicit ServedHttp(HttpLimits limits = {}, const HttpAddress& address = {.host = "127.0.0.1"})
        : listener_(address),
          server_(Descriptor(::dup(listener_.fd())), canned_answer, limits),
          thread_([this] { server_.run(stop_.get()); }) {}
    ~ServedHttp() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t count = ::write(stop_.get(), &one, sizeof one);
        thread_.join();
    }
    ServedHttp(const ServedHttp&) = delete;
    ServedHttp& operator=(const ServedHttp&) = delete;

    HttpClient client() const { return HttpClient(listener_.address().port); }

    // The answer to this alone: all that comes before the server closes.
    std::string answer(std::string_view request) const {
        const HttpClient asking = client();
        asking.send(request);
        return asking.read_all();
    }

  private:
    HttpListener listener_;
    Descriptor stop_ = make_event_descriptor();
    HttpServer server_;
    std::thread thread_;
};

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

std::size_t times(const std::string& text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

std::string status_line(const std::string& answer) { return answer.substr(0, answer.find('\r')); }

std::string head_of_size(std::size_t bytes) {
    const std::string begin = "GET /a HTTP/1.1\r\nConnection: close\r\nX: ";
    return begin + std::string(bytes - begin.size() - 4, 'x') + "\r\n\r\n";
}

constexpr const char* kAsk = "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
constexpr const char* kKeep = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace

TEST_SUITE("http_server") {
    TEST_CASE("http server: GET has the body and the headers, HEAD the headers alone") {
        const ServedHttp served;
        const std::string got = served.answer(kAsk);
        CHECK(status_line(got) == "HTTP/1.1 200 OK");
        CHECK(has(got, "\r\nContent-Length: 6\r\n"));
        CHECK(has(got, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
        CHECK(has(got, "\r\nCache-Control: no-store\r\n"));
        CHECK(has(got, "\r\nX-Content-Type-Options: nosniff\r\n"));
        CHECK(has(got, " GMT\r\n"));
        CHECK_FALSE(has(got, "Server:"));
        CHECK(got.ends_with("\r\n\r\nalpha\n"));

        const std::string head =
            served.answer("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        CHECK(status_line(head) == "HTTP/1.1 200 OK");
        CHECK(has(head, "\r\nContent-Length: 6\r\n"));
        CHECK(head.ends_with("\r\n\r\n"));
    }

    TEST_CASE("http server: query, scheme and host are no part of the path") {
        const ServedHttp served;
        for (const char* target : {"/a?b=c", "/a?/b", "/a#b", "http://any.host/a",
                                   "http://any.host:1/a?b=http://c/d", "HTTP://x/a"}) {
            CAPTURE(target);
            CHECK(served.answer("GET " + std::string(target) + " HTTP/1.0\r\n\r\n")
                      .ends_with("alpha\n"));
        }
        for (const char* target :
             {"/", "/a/", "/A", "//a", "*", "a", "http://x", "/x?y=http://z/a"}) {
            CAPTURE(target);
            CHECK(status_line(served.answer("GET " + std::string(target) + " HTTP/1.0\r\n\r\n")) ==
                  "HTTP/1.1 404 Not Found");
        }
    }

    TEST_CASE("http server: other methods are refused, and those that go are named") {
        const ServedHttp served;
        for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"}) {
            CAPTURE(method);
            const std::string got =
                served.answer(std::string(method) +
                              " /a HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            CHECK(status_line(got) == "HTTP/1.1 405 Method Not Allowed");
            CHECK(has(got, "\r\nAllow: GET, HEAD\r\n"));
        }
    }

    TEST_CASE("http server: a connection is kept, as the version and the client have it") {
        const ServedHttp served;
        const HttpClient newer = served.client();
        for (int round = 0; round < 3; ++round) {
            newer.send(kKeep);
            CHECK_FALSE(has(newer.read_until("alpha\n"), "Connection: close"));
        }
        newer.send(kAsk);
        CHECK(has(newer.read_all(), "Connection: close"));

        const HttpClient older = served.client();
        older.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        CHECK(has(older.read_until("alpha\n"), "Connection: keep-alive"));
        older.send("GET /b HTTP/1.0\r\n\r\n");
        CHECK(older.read_all().ends_with("beta\n"));
    }

    TEST_CASE(
        "http server: requests sent ahead are answered in order, also after the end of them") {
        const ServedHttp served;
        const HttpClient client = served.client();
        std::string requests;
        for (int pair = 0; pair < 20; ++pair) {
            requests += "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
        }
        CHECK(client.send(requests));
        client.send_no_more();
        const std::string got = client.read_all();
        CHECK(times(got, "HTTP/1.1 200 OK") == 40);
        CHECK(times(got, "alpha\n") == 20);
        CHECK(got.ends_with("beta\n"));
    }

    TEST_CASE("http server: a connection has so many requests, and a client is told of the last") {
        const ServedHttp served({.requests = 3});
        const HttpClient client = served.client();
        for (int request = 0; request < 5; ++request) client.send(kKeep);
        const std::string got = client.read_all();
        CHECK(times(got, "HTTP/1.1 200 OK") == 3);
        CHECK(times(got, "Connection: close") == 1);
    }

    TEST_CASE("http server: a request in pieces is one") {
        const ServedHttp served;
        const HttpClient client = served.client();
        for (const char each : std::string_view(kAsk)) client.send(std::string_view(&each, 1));
        CHECK(client.read_all().ends_with("alpha\n"));
    }

    TEST_CASE("http server: request line and headers have 8 KiB, to the byte") {
        const ServedHttp served;
        CHECK(status_line(served.answer(head_of_size(8192))) == "HTTP/1.1 200 OK");
        CHECK(status_line(served.answer(head_of_size(8193))) ==
              "HTTP/1.1 431 Request Header Fields Too Large");
        CHECK(status_line(served.answer("GET /" + std::string(9000, 'x'))) ==
              "HTTP/1.1 431 Request Header Fields Too Large");
        std::string many = "GET /a HTTP/1.1\r\n";
        while (many.size() < 100'000) many += "X: y\r\n";
        CHECK(status_line(served.answer(many)) == "HTTP/1.1 431 Request Header Fields Too Large");
    }

    TEST_CASE("http server: a body is refused before it is sent, and not read at length") {
        const ServedHttp served;
        for (const char* header : {"Content-Length: 1000000000", "Transfer-Encoding: chunked"}) {
            CAPTURE(header);
            const HttpClient client = served.client();
            client.send("GET /a HTTP/1.1\r\nExpect: 100-continue\r\n" + std::string(header) +
                        "\r\n\r\n");
            const std::string got = client.read_until("Too Large\n");
            CHECK(status_line(got) == "HTTP/1.1 413 Content Too Large");
            CHECK(has(got, "Connection: close"));
            const std::string block(1 << 20, 'x');
            std::size_t sent = 0;
            while (sent < 1000 && client.send(block)) ++sent;
            CHECK(sent < 100);
        }
        CHECK(status_line(served.answer("POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")) ==
              "HTTP/1.1 405 Method Not Allowed");
    }

    TEST_CASE("http server: what is no request is answered at once and not read on after") {
        const ServedHttp served;
        for (const std::string& text :
             {std::string("\x16\x03\x01\x02\x00\x01\x00", 7), std::string("GET /a HTTP/1.1\n\n"),
              std::string("GET\r\n\r\n"), std::string("GET  HTTP/1.1\r\n\r\n"),
              std::string("GET /a HTTP/9.9\r\n\r\n"), std::string("GET /a FTP/1.1\r\n\r\n"),
              std::string("GET /a\r\n\r\n"), std::string("GET /a HTTP/1.1\r\nno colon\r\n\r\n"),
              std::string("GET /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
              std::string("GET /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
              std::string("GET /a HTTP/1.1\r\nX: \x01\r\n"), std::string("\r\n\r\n"),
              std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
              std::string("GET /a\0 HTTP/1.1\r\n", 18), std::string(3000, '\0')}) {
            CAPTURE(text);
            const auto begin = Clock::now();
            const std::string got = served.answer(text + kKeep);
            CHECK(status_line(got) == "HTTP/1.1 400 Bad Request");
            CHECK(times(got, "HTTP/1.1") == 1);
            CHECK(Clock::now() - begin < 4s);
        }
    }

    TEST_CASE(
        "http server: a client that sends no more gets its answer, or is told of half a request") {
        const ServedHttp served;
        const HttpClient whole = served.client();
        whole.send(kKeep);
        whole.send_no_more();
        CHECK(whole.read_all().ends_with("alpha\n"));
        const HttpClient half = served.client();
        half.send("GET /a HT");
        half.send_no_more();
        CHECK(status_line(half.read_all()) == "HTTP/1.1 400 Bad Request");
        const HttpClient none = served.client();
        none.send_no_more();
        CHECK(none.read_all().empty());
    }

    TEST_CASE("http server: clients that go away in the middle disturb nobody") {
        const ServedHttp served;
        for (int round = 0; round < 20; ++round) {
            for (const char* text : {"", "GET /a", kKeep, "GET /large HTTP/1.1\r\n\r\n"}) {
                HttpClient leaving = served.client();
                leaving.send(text);
                if (round % 2 == 0 && text[0] != '\0') (void)leaving.read(1, 1);
                leaving.reset();
            }
            CHECK(served.answer(kAsk).ends_with("alpha\n"));
        }
    }

    TEST_CASE("http server: a handler that throws is answered with 500 and no more") {
        const ServedHttp served;
        const HttpClient client = served.client();
        client.send("GET /fault HTTP/1.1\r\n\r\n");
        const std::string got = client.read_until("Error\n");
        CHECK(status_line(got) == "HTTP/1.1 500 Internal Server Error");
        CHECK_FALSE(has(got, "secret"));
        client.send(kAsk);
        CHECK(client.read_all().ends_with("alpha\n"));
    }

    TEST_CASE("http server: a request a byte at a time is cut when the connection's time is over") {
        const ServedHttp served({.lifetime = 500ms});
        const HttpClient client = served.client();
        const auto begin = Clock::now();
        while (Clock::now() - begin < 8s && client.send("G") && client.read(1, 10).empty()) {
            pollfd none{-1, 0, 0};
            ::poll(&none, 0, 20);
        }
        CHECK(client.is_cut());
        CHECK(Clock::now() - begin >= 450ms);
        CHECK(Clock::now() - begin < 5s);
    }

    TEST_CASE("http server: a client that asks again and again is cut at the same time") {
        const ServedHttp served({.requests = 1'000'000, .lifetime = 500ms});
        const HttpClient client = served.client();
        const auto begin = Clock::now();
        std::string last;
        while (client.send(kKeep)) {
            const std::string got = client.read_until("alpha\n");
            if (got.empty()) break;
            last = got;
        }
        CHECK(has(last, "Connection: close"));
        CHECK(Clock::now() - begin < 5s);
    }

    TEST_CASE("http server: an answer that is not read is cut") {
        const ServedHttp served({.lifetime = 500ms});
        const HttpClient slow = served.client();
        slow.send("GET /large HTTP/1.1\r\n\r\n");
        const auto begin = Clock::now();
        std::size_t received = 0;
        for (std::string more = slow.read(4096); !more.empty(); more = slow.read(4096)) {
            received += more.size();
            if (Clock::now() - begin < 2s) {
                pollfd none{-1, 0, 0};
                ::poll(&none, 0, 5);
            }
        }
        CHECK(received < 16u << 20);
        CHECK(served.answer(kAsk).ends_with("alpha\n"));
    }

    TEST_CASE(
        "http server: a connection over the limit takes the place of who has waited longest") {
        const ServedHttp served({.connections = 4, .lifetime = 60s, .patience = 1ms});
        std::list<HttpClient> waiting;
        for (int client = 0; client < 4; ++client) {
            waiting.push_back(served.client());
            waiting.back().send(kKeep);
            CHECK(has(waiting.back().read_until("alpha\n"), "200 OK"));
        }
        waiting.front().send(kKeep);
        CHECK(has(waiting.front().read_until("alpha\n"), "200 OK"));
        CHECK(served.answer(kAsk).ends_with("alpha\n"));
        CHECK(std::next(waiting.begin())->is_cut());
        waiting.front().send(kKeep);
        CHECK(has(waiting.front().read_until("alpha\n"), "200 OK"));
    }

    TEST_CASE("http server: a scrape is answered within seconds amid a thousand slow clients") {
        rlimit descriptors{};
        ::getrlimit(RLIMIT_NOFILE, &descriptors);
        descriptors.rlim_cur = descriptors.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &descriptors);
        const ServedHttp served;
        std::vector<HttpClient> slow;
        for (int client = 0; client < 1000; ++client) {
            slow.push_back(served.client());
            slow.back().send("GET /a HTTP/1.1\r\n");
        }
        const auto begin = Clock::now();
        CHECK(served.answer(kAsk).ends_with("alpha\n"));
        CHECK(Clock::now() - begin < 8s);
        MESSAGE("a scrape amid 1000 slow clients took ",
                std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count(),
                " ms");
    }

    TEST_CASE("http server: without descriptors it waits for some, and does not spin") {
        const HttpListener listener({.host = "127.0.0.1"});
        const pid_t pid = ::fork();
        if (pid == 0) {
            HttpServer server(Descriptor(::dup(listener.fd())), canned_answer, {.lifetime = 1s});
            const Descriptor stop = make_event_descriptor();
            const int next = ::dup(stop.get());
            ::close(next);
            const rlimit few{static_cast<rlim_t>(next) + 8, static_cast<rlim_t>(next) + 8};
            ::setrlimit(RLIMIT_NOFILE, &few);
            server.run(stop.get());
            ::_exit(0);
        }
        std::vector<HttpClient> clients;
        for (int client = 0; client < 20; ++client) clients.emplace_back(listener.address().port);
        const HttpClient asking(listener.address().port);
        asking.send(kAsk);
        CHECK(asking.read_all().ends_with("alpha\n"));
        ::kill(pid, SIGKILL);
        rusage used{};
        ::wait4(pid, nullptr, 0, &used);
        CHECK(used.ru_utime.tv_sec + used.ru_stime.tv_sec == 0);
        CHECK(used.ru_utime.tv_usec + used.ru_stime.tv_usec < 500'000);
    }

    TEST_CASE("http server: leaves when it is asked to, whoever is connected") {
        const auto begin = Clock::now();
        std::list<HttpClient> clients;
        {
            const ServedHttp served;
            for (const char* text : {"", "GET", kKeep, "GET /large HTTP/1.1\r\n\r\n"}) {
                clients.push_back(served.client());
                clients.back().send(text);
            }
            CHECK(served.answer(kAsk).ends_with("alpha\n"));
        }
        for (const HttpClient& client : clients) CHECK(client.is_cut());
        CHECK(Clock::now() - begin < 4s);
    }

    TEST_CASE("http server: serves a Unix socket in the same way") {
        const ScratchDirectory directory;
        const std::filesystem::path path = directory.path() / "http";
        const ServedHttp served({}, {.path = path});
        const HttpClient client(path);
        client.send(kAsk);
        CHECK(client.read_all().ends_with("alpha\n"));
    }
}
