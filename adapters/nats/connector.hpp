#pragma once

#include <chrono>
#include <random>
#include <stdexcept>
#include <string>

#include "handles.hpp"
#include "nats_url.hpp"

namespace drainpipe::nats {

// Paths; empty where there is none.
struct SecurityFiles {
    std::string ca = {};
    std::string certificate = {};
    std::string key = {};
    std::string credentials = {};
};

enum class ConnectProblem : std::uint8_t {
    unreachable,  // no server, or none yet; to be tried again
    refused,      // user, password, token or credentials are not accepted
    untrusted,    // the two do not agree on TLS, or on a certificate
};

struct ConnectResult {
    ConnectionHandle connection;  // none: see below
    ConnectProblem problem = ConnectProblem::unreachable;
    std::string reason;  // one line, without a password
};

// A certificate, a key or credentials can't be used; which, and why, in one line.
class UnusableFile : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Makes connections to the servers of a URL.
//
// A connection lives until it breaks; libnats does not reconnect it, so that nothing waits in a
// buffer for a server that has forgotten what it was an answer to. Whoever uses it finds it closed,
// makes another, and says there again what was not answered. A server that says nothing any more is
// noticed within five seconds or so.
class Connector {
  public:
    // Throws UnusableFile.
    Connector(const NatsUrl& url, const SecurityFiles& files, const std::string& name);

    // Tries each server once; waits at most two seconds for each.
    ConnectResult try_connect();

  private:
    const bool shows_no_certificate_;  // though it uses TLS
    OptionsHandle options_;
};

bool is_open(natsConnection* connection);

// How long to wait before the next attempt: 100 ms, doubled up to 5 s, less a random part of up to
// a quarter so that machines do not come all at once.
class Backoff {
  public:
    std::chrono::milliseconds next();
    void reset() { next_ = kFirst; }

  private:
    static constexpr std::chrono::milliseconds kFirst{100};
    static constexpr std::chrono::milliseconds kLast{5000};

    std::chrono::milliseconds next_ = kFirst;
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace drainpipe::nats
