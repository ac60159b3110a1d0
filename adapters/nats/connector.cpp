#include "connector.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace drainpipe::nats {
namespace {

constexpr std::int64_t kConnectTimeout = 2000;  // milliseconds, each
constexpr std::int64_t kPingInterval = 2000;
constexpr int kMaxPingsOut = 1;
constexpr std::int64_t kWriteDeadline = 5000;

// libnats's words, without the place in its source that they begin with.
std::string last_error(natsStatus status) {
    const char* const error = nats_GetLastError(nullptr);
    std::string text = error != nullptr ? error : "";
    if (const std::size_t place = text.find("): "); text.starts_with('(') && place < text.size()) {
        text.erase(0, place + 3);
    }
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text.empty() ? natsStatus_GetText(status) : text;
}

void require(natsStatus status, const std::string& what) {
    if (status != NATS_OK) {
        throw UnusableFile(what + ": " + last_error(status));
    }
}

// libnats's words for a file that it can't read do not say why.
void require_readable(const std::string& option, const std::string& file) {
    if (!file.empty() && ::access(file.c_str(), R_OK) != 0) {
        throw UnusableFile(option + " " + file + " can't be read: " + std::strerror(errno));
    }
}

void set_security(natsOptions* options, const NatsUrl& url, const SecurityFiles& files) {
    if (files.certificate.empty() != files.key.empty()) {
        throw UnusableFile("--nats-cert and --nats-key go together; one of them is missing");
    }
    require_readable("--nats-creds", files.credentials);
    require_readable("--nats-ca", files.ca);
    require_readable("--nats-cert", files.certificate);
    require_readable("--nats-key", files.key);
    if (!url.token.empty()) {
        require(natsOptions_SetToken(options, url.token.c_str()), "the token can't be used");
    } else if (!url.user.empty()) {
        require(natsOptions_SetUserInfo(options, url.user.c_str(), url.password.c_str()),
                "the user can't be used");
    }
    if (!files.credentials.empty()) {
        require(
            natsOptions_SetUserCredentialsFromFiles(options, files.credentials.c_str(), nullptr),
            "--nats-creds " + files.credentials + " can't be used");
    }
    if (url.is_tls || !files.ca.empty() || !files.certificate.empty()) {
        require(natsOptions_SetSecure(options, true), "TLS can't be used");
    }
    if (!files.ca.empty()) {
        require(natsOptions_LoadCATrustedCertificates(options, files.ca.c_str()),
                "--nats-ca " + files.ca + " can't be used");
    }
    if (!files.certificate.empty()) {
        require(
            natsOptions_LoadCertificatesChain(options, files.certificate.c_str(),
                                              files.key.c_str()),
            "--nats-cert " + files.certificate + " and --nats-key " + files.key + " can't be used");
    }
}

ConnectProblem problem_of(natsStatus status, const std::string& reason) {
    switch (status) {
        case NATS_CONNECTION_AUTH_FAILED:
        case NATS_NOT_PERMITTED:
            return ConnectProblem::refused;
        case NATS_SECURE_CONNECTION_WANTED:
        case NATS_SECURE_CONNECTION_REQUIRED:
            return ConnectProblem::untrusted;
        case NATS_SSL_ERROR:
            // A server that goes away in the handshake is not that.
            return reason.find("cert") != std::string::npos ? ConnectProblem::untrusted
                                                            : ConnectProblem::unreachable;
        default:
            return ConnectProblem::unreachable;
    }
}

// libnats writes to standard error what happens to a connection that nobody asks about.
void ignore_error(natsConnection*, natsSubscription*, natsStatus, void*) {}

}  // namespace

Connector::Connector(const NatsUrl& url, const SecurityFiles& files, const std::string& name)
    : shows_no_certificate_(url.is_tls && files.certificate.empty()) {
    natsOptions* options = nullptr;
    require(natsOptions_Create(&options), "libnats can't be used");
    options_.reset(options);

    std::vector<const char*> servers;
    for (const std::string& server : url.servers) {
        servers.push_back(server.c_str());
    }
    require(natsOptions_SetServers(options, servers.data(), static_cast<int>(servers.size())),
            "the servers can't be used");
    natsOptions_SetName(options, name.c_str());
    natsOptions_SetAllowReconnect(options, false);
    natsOptions_SetTimeout(options, kConnectTimeout);
    natsOptions_SetPingInterval(options, kPingInterval);
    natsOptions_SetMaxPingsOut(options, kMaxPingsOut);
    natsOptions_SetWriteDeadline(options, kWriteDeadline);
    natsOptions_SetErrorHandler(options, ignore_error, nullptr);
    // One thread for all subscriptions: what comes is seen in the order in which it came.
    natsOptions_UseGlobalMessageDelivery(options, true);
    set_security(options, url, files);
}

ConnectResult Connector::try_connect() {
    ConnectResult result;
    natsConnection* connection = nullptr;
    const natsStatus status = natsConnection_Connect(&connection, options_.get());
    if (status == NATS_OK) {
        result.connection.reset(connection);
        return result;
    }
    result.reason = last_error(status);
    result.problem = problem_of(status, result.reason);
    // Of TLS 1.3 a client learns no more where its certificate is missing.
    if (result.reason.starts_with("Expected 'PONG'")) {
        result.reason = "the server has closed the connection before it let anybody in";
        if (shows_no_certificate_) {
            result.reason += " (does it want a certificate? see --nats-cert)";
        }
    }
    return result;
}

bool is_open(natsConnection* connection) {
    return connection != nullptr && natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED;
}

std::chrono::milliseconds Backoff::next() {
    const std::chrono::milliseconds whole = next_;
    next_ = std::min(next_ * 2, kLast);
    std::uniform_int_distribution<std::int64_t> less(0, whole.count() / 4);
    return whole - std::chrono::milliseconds(less(random_));
}

}  // namespace drainpipe::nats
