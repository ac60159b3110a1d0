// Posts each event to an HTTP server, over several connections at once:
//
//     UPLOADER_PORT=8080 launcher --consumer ./uploader
//
// A thread for each connection takes tokens from a queue, and settles them by the server's answer:
//
//     200             done
//     400             dead: the server will never take it
//     others, none    retry: after a pause that doubles, at most --retries times
//
// At least once is what the pipeline promises: a post whose answer is lost, or whose process is
// killed before the event is committed, is made again. The server sees that by the key, which names
// the event for good, and stores it once.

#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drainpipe/consumer.hpp"
#include "http_connection.hpp"

namespace {

constexpr int kConnections = 8;

drainpipe::Outcome post(HttpConnection& connection, const drainpipe::Event& event) {
    const std::string key = std::string(event.run()) + "-" + std::to_string(event.id());
    const int status = connection.post("/events", key, event.payload());
    if (status == 200) {
        return drainpipe::done();
    }
    const std::string reason = "status " + std::to_string(status);
    return status == 400 ? drainpipe::dead(reason) : drainpipe::retry(reason);
}

class Uploader {
  public:
    explicit Uploader(std::uint16_t port) : port_(port) {
        for (int count = 0; count < kConnections; ++count) {
            threads_.emplace_back([this] { upload(); });
        }
    }
    Uploader(const Uploader&) = delete;
    Uploader& operator=(const Uploader&) = delete;
    ~Uploader() {
        {
            const std::lock_guard guard(mutex_);
            is_over_ = true;
        }
        changed_.notify_all();
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }

    void add(drainpipe::Token token) {
        {
            const std::lock_guard guard(mutex_);
            tokens_.push_back(std::move(token));
        }
        changed_.notify_one();
    }

  private:
    void upload() {
        HttpConnection connection(port_);
        while (std::optional<drainpipe::Token> token = next()) {
            try {
                token->settle(post(connection, token->event()));
            } catch (const std::exception& error) {
                token->settle(drainpipe::retry(error.what()));
            }
        }
    }

    // Nothing when it is over.
    std::optional<drainpipe::Token> next() {
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [this] { return is_over_ || !tokens_.empty(); });
        if (is_over_) {
            return std::nullopt;
        }
        drainpipe::Token token = std::move(tokens_.front());
        tokens_.pop_front();
        return token;
    }

    std::uint16_t port_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<drainpipe::Token> tokens_;
    bool is_over_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace

int main(int argc, char** argv) {
    const char* const variable = std::getenv("UPLOADER_PORT");
    const int port = variable == nullptr ? 8080 : std::stoi(variable);

    std::optional<Uploader> uploader;
    return drainpipe::consume_async(argc, argv, [&](drainpipe::Token token) {
        if (!uploader) {  // not before: threads start when the signals are the library's
            uploader.emplace(static_cast<std::uint16_t>(port));
        }
        uploader->add(std::move(token));
    });
}
