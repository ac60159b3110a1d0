#include "nats_server.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "harness/await.hpp"

namespace drainpipe::nats::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ::close(fd);
    return ntohs(address.sin_port);
}

}  // namespace

NatsServer::NatsServer(const Settings& settings) : settings_(settings), port_(free_port()) {
    if (settings.has_tls) {
        make_certificates();
    }
    const std::string directory = directory_.path().string();
    std::ofstream file(directory_.path() / "nats.conf");
    file << "listen: 127.0.0.1:" << port_ << "\n";
    if (settings.has_jet_stream) {
        file << "jetstream { store_dir: \"" << directory << "/store\" }\n";
    }
    if (settings.has_tls) {
        file << "tls { cert_file: \"" << directory << "/cert.pem\", key_file: \"" << directory
             << "/key.pem\", ca_file: \"" << directory
             << "/ca.pem\", verify: " << (settings.verifies_clients ? "true" : "false") << " }\n";
    }
    file << settings.configuration << "\n";
}

void NatsServer::make_certificates() const {
    const std::string script =
        "cd " + directory_.path().string() +
        " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
        "/CN=authority -keyout ca.key -out ca.pem"
        " && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 "
        "-keyout key.pem -out cert.csr"
        " && echo subjectAltName=IP:127.0.0.1 > extensions"
        " && openssl x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
        "-extfile extensions -out cert.pem";
    harness::Command command{.words = {"/bin/sh", "-c", script}};
    command.errors = directory_.path() / "openssl.log";
    REQUIRE(harness::Process(command).wait() == 0);
}

bool NatsServer::accepts() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port_);
    const bool is_there =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    return is_there;
}

bool NatsServer::try_start() {
    harness::Command command{
        .words = {"/usr/sbin/nats-server", "-c", (directory_.path() / "nats.conf").string()}};
    command.errors = directory_.path() / "server.log";
    process_.emplace(command);
    return harness::await([&] { return accepts() || process_->has_ended(); }) &&
           !process_->has_ended();
}

void NatsServer::start() {
    // The port may still be held by connections of the one that was killed.
    REQUIRE(harness::await([&] { return try_start(); }));
}

void NatsServer::kill() {
    process_->send(SIGKILL);
    CHECK(process_->wait() == 128 + SIGKILL);
    process_.reset();
}

void NatsServer::freeze() { process_->send(SIGSTOP); }

void NatsServer::thaw() { process_->send(SIGCONT); }

std::string NatsServer::url() const {
    return (settings_.has_tls ? "tls://127.0.0.1:" : "nats://127.0.0.1:") + std::to_string(port_);
}

std::string NatsServer::url(const std::string& user, const std::string& path) const {
    const std::string whole = url();
    const std::size_t host = whole.find("//") + 2;
    return whole.substr(0, host) + user + whole.substr(host) + "/" + path;
}

}  // namespace drainpipe::nats::test
