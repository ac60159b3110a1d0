// How a running pipeline answers over HTTP.

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

// A TCP connection to a port of 127.0.0.1; closed where none could be made.
class Connection {
  public:
    explicit Connection(std::uint16_t port)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        is_open_ =
            ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    ~Connection() { ::close(socket_); }
    Connection(Connection&& other) noexcept
        : socket_(std::exchange(other.socket_, -1)), is_open_(other.is_open_) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] bool is_open() const { return is_open_; }
    void send(const std::string& text) const {
        (void)::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    }
    // All that comes until the other end closes.
    [[nodiscard]] std::string receive() const {
        std::string text;
        char block[4096];
        ssize_t size = 0;
        while ((size = ::recv(socket_, block, sizeof block, 0)) > 0) {
            text.append(block, static_cast<std::size_t>(size));
        }
        return text;
    }

  private:
    int socket_;
    bool is_open_;
};

std::uint16_t port_of(const Pipeline& pipeline) {
    const auto log = pipeline.log();
    const auto http = value_of(log.starting("ready ").at(0).message, "http").value();
    return static_cast<std::uint16_t>(std::stoi(std::string(http.substr(http.rfind(':') + 1))));
}

// The whole answer; empty where nobody answers.
std::string get(std::uint16_t port, const std::string& path) {
    const Connection connection(port);
    if (!connection.is_open()) return "";
    connection.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return connection.receive();
}

bool is_answered(std::uint16_t port, const std::string& path, const std::string& code,
                 std::string_view words) {
    const auto answer = get(port, path);
    return answer.starts_with("HTTP/1.1 " + code + " ") && contains(answer, words);
}

std::optional<pid_t> server_of(const Pipeline& pipeline) {
    for (const auto pid : processes_marked(pipeline.name())) {
        if (program_of(pid) == "drainpipe-http") return pid;
    }
    return std::nullopt;
}

TEST_SUITE("http") {
    TEST_CASE("http: metrics, status, health and readiness of a running pipeline") {
        Pipeline pipeline;
        pipeline.start({"--http", "127.0.0.1:0", "--exec", "true", "--jobs", "4"});
        const auto port = port_of(pipeline);
        CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
        CHECK(await([&] { return pipeline.log().starting("processed id=").size() == 100; }));
        const std::string name = "{name=\"" + pipeline.name() + "\"} ";
        CHECK(is_answered(port, "/metrics", "200",
                          "drainpipe_events_accepted_total" + name + "100\n"));
        CHECK(
            is_answered(port, "/metrics", "200", "drainpipe_work_seconds_count" + name + "100\n"));
        CHECK(is_answered(port, "/healthz", "200", "\r\n\r\nok\n"));
        CHECK(is_answered(port, "/readyz", "200", "\r\n\r\nok\n"));
        CHECK(is_answered(port, "/nothing", "404", ""));
        const auto answer = get(port, "/status");
        const auto status = nlohmann::json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
        CHECK(status.at("processed") == 100);
        CHECK(pipeline.stop() == 0);
        CHECK(get(port, "/healthz") == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("http: it is not ready while a stage is stopped or the pipeline drains") {
        Pipeline pipeline;
        pipeline.start({"--http", ":0", "--event-delay", "1ms"});
        const auto port = port_of(pipeline);
        CHECK(pipeline.enqueue_all(numbers(1, 2000)) == 2000);
        const auto consumer = pipeline.stage("consumer").value();
        freeze_without_lock(pipeline, consumer);
        CHECK(is_answered(port, "/readyz", "503", "consumer.1 state=stopped"));
        CHECK(is_answered(port, "/healthz", "200", "ok"));
        ::kill(consumer, SIGCONT);
        CHECK(await([&] { return is_answered(port, "/readyz", "200", "ok"); }));
        pipeline.launcher().send(SIGTERM);
        CHECK(pipeline.await_record("terminating "));
        CHECK(is_answered(port, "/readyz", "503", "stopping reason=SIGTERM left="));
        CHECK(pipeline.launcher().wait() == 0);
    }

    TEST_CASE("http: its process may die or hang; the pipeline goes on, and it is started again") {
        Pipeline pipeline;
        pipeline.start({"--http", ":0"});
        const auto port = port_of(pipeline);
        for (int round = 0; round < 2; ++round) {
            CHECK(await([&] { return server_of(pipeline).has_value(); }));
            const auto server = server_of(pipeline).value();
            ::kill(server, SIGKILL);
            CHECK(await([&] { return is_answered(port, "/readyz", "200", "ok"); }));
            CHECK(server_of(pipeline).value() != server);
        }
        freeze(server_of(pipeline).value());
        CHECK(pipeline.enqueue_all(numbers(1, 1000)) == 1000);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().account().value().left == 0);
        CHECK(pipeline.log().starting("child exited role=http ").size() == 2);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("http: where the launcher is killed its process goes with it") {
        Pipeline pipeline;
        pipeline.start({"--http", ":0"});
        const auto port = port_of(pipeline);
        pipeline.launcher().send(SIGKILL);
        CHECK(await([&] { return !server_of(pipeline).has_value(); }));
        CHECK(await([&] { return get(port, "/healthz") == ""; }));
        CHECK(await([&] { return pipeline.leftovers() == ""; }));
    }

    TEST_CASE("http: clients that say nothing keep neither others nor a drain waiting") {
        Pipeline pipeline;
        pipeline.start({"--http", ":0", "--event-delay", "100us"});
        const auto port = port_of(pipeline);
        std::vector<Connection> silent;
        for (int client = 0; client < 200; ++client) {
            silent.emplace_back(port);
            silent.back().send("GET /metrics HTTP/1.1\r\n");
        }
        CHECK(is_answered(port, "/healthz", "200", "ok"));
        CHECK(pipeline.enqueue_all(numbers(1, 3000)) == 3000);
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().account().value().left == 0);
    }

    TEST_CASE(
        "http: an address that can't be had, or is none, is refused before anything is made") {
        Pipeline first;
        first.start({"--http", ":0"});
        const Pipeline pipeline;
        const auto taken = ":" + std::to_string(port_of(first));
        auto outcome = run(pipeline.launcher_command({"--http", taken}));
        CHECK(outcome.code == 73);
        CHECK(is_one_line(outcome.errors));
        CHECK(contains(outcome.errors, "127.0.0.1" + taken));
        for (const std::string text : {"9464", ":", ":99999", "example.org:1", "unix:"}) {
            CAPTURE(text);
            outcome = run(pipeline.launcher_command({"--http", text}));
            CHECK(outcome.code == 64);
            CHECK(is_one_line(outcome.errors));
            CHECK(contains(outcome.errors, "--http: '" + text + "'"));
        }
        CHECK(pipeline.leftovers() == "");
        CHECK(first.stop() == 0);
    }

    TEST_CASE("http: a Unix socket is for this user alone, and gone in the end") {
        Pipeline pipeline;
        const auto path = pipeline.directory() / "http.sock";
        pipeline.start({"--http", "unix:" + path.string()});
        CHECK(std::filesystem::status(path).permissions() == std::filesystem::perms(0600));
        CHECK(await([&] { return contains(pipeline.errors(), " http=unix:" + path.string()); }));
        std::filesystem::remove(path);
        CHECK(await([&] { return std::filesystem::exists(path); }));
        CHECK(pipeline.await_record("the socket of HTTP was removed"));
        CHECK(await([&] { return server_of(pipeline).has_value(); }));
        CHECK(pipeline.stop() == 0);
        CHECK_FALSE(std::filesystem::exists(path));
    }
}

}  // namespace
