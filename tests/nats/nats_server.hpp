#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "harness/files.hpp"
#include "harness/process.hpp"

namespace drainpipe::nats::test {

// A nats-server of the test's own with JetStream: on the loopback address, on a port that was free,
// with its store in a directory that goes with it. It can be killed and started again with the same
// port and store.
class NatsServer {
  public:
    struct Settings {
        // Lines of the configuration besides: authorization, max_payload.
        std::string configuration = {};
        bool has_jet_stream = true;
        // With a certificate for 127.0.0.1 of an authority of its own: ca(). Clients need one too
        // where the second is set.
        bool has_tls = false;
        bool verifies_clients = false;
    };

    // Starts nothing.
    explicit NatsServer(const Settings& settings);
    NatsServer() : NatsServer(Settings{}) {}

    // Starts it and waits until it can be connected to; fails the test when it can't.
    void start();
    // SIGKILL, and waits for its end.
    void kill();
    // SIGSTOP and SIGCONT.
    void freeze();
    void thaw();

    std::uint16_t port() const { return port_; }
    // "nats://127.0.0.1:PORT", or tls.
    std::string url() const;
    // The same with `user` ("USER:PASSWORD@") and the path.
    std::string url(const std::string& user, const std::string& path) const;
    std::filesystem::path ca() const { return directory_.path() / "ca.pem"; }
    // A client's, and its key.
    std::filesystem::path certificate() const { return directory_.path() / "cert.pem"; }
    std::filesystem::path key() const { return directory_.path() / "key.pem"; }

  private:
    void make_certificates() const;
    bool try_start();
    bool accepts() const;

    const Settings settings_;
    harness::TemporaryDirectory directory_{"dp-nats"};
    std::uint16_t port_;
    std::optional<harness::Process> process_;
};

}  // namespace drainpipe::nats::test
