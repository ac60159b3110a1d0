#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "drainpipe/consumer.hpp"

// Threads that settle tokens, whichever comes to hand. They inherit the signal mask: to be made
// when the signals are the library's, in the first call of a handler.
class Settlers {
  public:
    using Settle = std::function<void(drainpipe::Token)>;

    explicit Settlers(Settle settle) : settle_(std::move(settle)) {
        for (int count = 0; count < 4; ++count) {
            threads_.emplace_back([this] { settle_all(); });
        }
    }
    // Settles what is there before.
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
    void settle_all() {
        while (true) {
            std::unique_lock guard(mutex_);
            changed_.wait(guard, [this] { return is_over_ || !tokens_.empty(); });
            if (tokens_.empty()) {
                return;
            }
            std::swap(tokens_[engine_() % tokens_.size()], tokens_.back());
            drainpipe::Token token = std::move(tokens_.back());
            tokens_.pop_back();
            guard.unlock();
            settle_(std::move(token));
        }
    }

    const Settle settle_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<drainpipe::Token> tokens_;
    std::minstd_rand engine_;
    bool is_over_ = false;
    std::vector<std::thread> threads_;
};
