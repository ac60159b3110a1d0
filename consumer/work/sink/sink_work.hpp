#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "descriptor.hpp"
#include "drainpipe/sink.hpp"
#include "kept_results.hpp"
#include "line_output.hpp"
#include "settled_events.hpp"
#include "text_block.hpp"
#include "work.hpp"

namespace drainpipe {

// Has another work done, and gives each result to a user's function, with a token: an event is done
// when both are. Where the function says that it is to be tried again, all of it is.
class SinkWork final : public Work {
  public:
    // So many bytes of results at most are with the function, and one more.
    static constexpr std::size_t kMostBytes = std::size_t{64} << 20;

    struct Options {
        std::size_t most;  // events in the work and with the function together
        // What it owns, where payloads are read, lives as long as any token.
        std::shared_ptr<const void> payloads = nullptr;
    };
    // Makes the work, whose results go there; one that ends later, or null: the results are the
    // payloads then.
    using MakeWork = std::function<std::unique_ptr<Work>(Results&)>;

    // Lines of outcomes go to `output`.
    SinkWork(Options options, const MakeWork& make_work, SinkHandler handler, LineOutput& output);
    // Tokens that are still out settle nothing from now on.
    ~SinkWork() override;

    Ends ends() const override { return Ends::later; }
    std::size_t room() const override;
    std::size_t start(std::span<const Event> events) override;
    // Throws what the work throws, and Failure(io) when the output is broken.
    void advance(Outcomes& outcomes) override;
    std::size_t jobs() const override { return work_ ? work_->jobs() : 0; }
    void begin_stop() override;
    void close() override;
    bool is_closed() const override { return !work_ || work_->is_closed(); }
    int wait_fd() const override { return epoll_.get(); }
    std::optional<Clock::time_point> next_time() const override;

  private:
    class WorkOutcomes;

    // An event that is in the work or with the function.
    struct Held {
        Event event;
        std::optional<Clock::duration> took = std::nullopt;  // of the work
        std::size_t bytes = 0;                               // of its result
    };

    void hand_on(Held& held, std::string result);
    void take_settled(Outcomes& outcomes);
    void forget(std::uint64_t id);

    Options options_;
    KeptResults results_;
    std::unique_ptr<Work> work_;  // or null
    SinkHandler handler_;
    LineOutput& output_;
    std::map<std::uint64_t, Held> held_;
    std::size_t bytes_ = 0;                   // of all held
    std::shared_ptr<SettledEvents> settled_;  // shared with the tokens
    Descriptor epoll_;                        // of what the work and the tokens wake
    TextBlock lines_{4 * 1024};
};

}  // namespace drainpipe
