// A consumer of a user's own, as tests want one. What it does with an event its payload says:
//
//     echo TEXT        done, with TEXT on standard output
//     fail N TEXT      a retry for N attempts, then as echo
//     throw N TEXT     the same with an exception
//     crash N TEXT     the process is killed in N attempts, then as echo
//     slow MS TEXT     as echo, after so long
//     dead TEXT        to the dead letters
//     lose N TEXT      asynchronous: the token goes away unsettled in N attempts, then as echo
//     ANYTHING         as echo ANYTHING
//
// With OWN_ASYNC in the environment it settles tokens, from four threads, in no order.

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "drainpipe/consumer.hpp"

namespace {

struct Order {
    std::string verb;
    unsigned long number = 0;
    std::string text;
};

// "fail 2 the text"
Order parse(const std::string& payload) {
    const auto verb_end = payload.find(' ');
    const std::string verb = payload.substr(0, verb_end);
    const std::string rest = verb_end == std::string::npos ? "" : payload.substr(verb_end + 1);
    if (verb == "echo" || verb == "dead") {
        return {verb, 0, rest};
    }
    for (const char* const numbered : {"fail", "throw", "crash", "slow", "lose"}) {
        if (verb == numbered) {
            const auto number_end = rest.find(' ');
            return {verb, std::stoul(rest.substr(0, number_end)),
                    number_end == std::string::npos ? "" : rest.substr(number_end + 1)};
        }
    }
    return {"echo", 0, payload};
}

drainpipe::Outcome work_on(const drainpipe::Event& event) {
    const Order order = parse(std::string(event.payload()));
    const bool is_bad_attempt = event.attempt() <= order.number;
    if (order.verb == "dead") {
        return drainpipe::dead(order.text);
    }
    if (order.verb == "fail" && is_bad_attempt) {
        return drainpipe::retry("as it was told");
    }
    if (order.verb == "throw" && is_bad_attempt) {
        throw std::runtime_error("as it was told");
    }
    if (order.verb == "crash" && is_bad_attempt) {
        ::kill(::getpid(), SIGKILL);
    }
    if (order.verb == "slow") {
        std::this_thread::sleep_for(std::chrono::milliseconds(order.number));
    }
    return drainpipe::done(order.text);
}

// Threads that settle tokens.
class Settlers {
  public:
    Settlers() {
        for (int count = 0; count < 4; ++count) {
            threads_.emplace_back([this] { settle(); });
        }
    }
    ~Settlers() {
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
    void settle() {
        while (true) {
            std::unique_lock guard(mutex_);
            changed_.wait(guard, [this] { return is_over_ || !tokens_.empty(); });
            if (tokens_.empty()) {
                return;
            }
            drainpipe::Token token = std::move(tokens_.front());
            tokens_.pop_front();
            guard.unlock();
            settle(std::move(token));
        }
    }

    static void settle(drainpipe::Token token) {
        const Order order = parse(std::string(token.event().payload()));
        if (order.verb == "lose" && token.event().attempt() <= order.number) {
            return;
        }
        try {
            drainpipe::Outcome outcome = work_on(token.event());
            token.settle(std::move(outcome));
        } catch (const std::exception& error) {
            token.settle(drainpipe::retry(error.what()));
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<drainpipe::Token> tokens_;
    bool is_over_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace

int main(int argc, char** argv) {
    if (std::getenv("OWN_ASYNC") != nullptr) {
        std::optional<Settlers> settlers;  // its threads only when the signals are the library's
        return drainpipe::consume_async(argc, argv, [&](drainpipe::Token token) {
            if (!settlers) {
                settlers.emplace();
            }
            settlers->add(std::move(token));
        });
    }
    return drainpipe::consume(argc, argv, work_on);
}
