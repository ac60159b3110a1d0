#include "consumer.hpp"

#include <algorithm>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace drainpipe {
namespace {

// Events that are begun together where the work on one takes next to no time.
constexpr std::uint64_t kBegunAhead = 128;

DemandWindow window_of(const Settings& settings) {
    return {static_cast<std::int64_t>(settings.max_demand),
            static_cast<std::int64_t>(settings.min_demand)};
}

RecordLimit limit_of(const Settings& settings) {
    return {settings.log_events_per_second, settings.consumers};
}

}  // namespace

Consumer::Consumer(Stage& stage, unsigned number, int output)
    : stage_(stage),
      number_(number),
      reader_(stage.segment(), number,
              [&stage](unsigned other) { return !stage.has_consumer(other); }),
      output_(output, stage, [this] { return reader_.begun_payloads(); }),
      window_(window_of(stage.segment().header().settings)),
      sink_(output_, stage.log(), limit_of(stage.segment().header().settings)),
      event_delay_(stage.segment().header().settings.event_delay_microseconds) {
    stage_.listen(stage.segment().header().events_available);
}

void Consumer::run() {
    stage_.report_ready();
    work_until_stopped();
    if (is_draining()) {
        drain();
    } else {
        reader_.leave();
    }
    sink_.tell_left_out();
    stage_.leave();
}

void Consumer::work_until_stopped() {
    const auto is_stopped = [this] { return should_leave() || is_draining(); };
    std::uint64_t asked = window_.first_ask(reader_.taken_over());
    std::uint64_t done = 0;
    while (!is_stopped()) {
        const std::uint64_t limit = std::min(hand_.events(), window_.chunk_limit());
        RingReader::Chunk chunk = reader_.turn(done, asked, limit);
        if (chunk.is_empty()) {
            chunk = reader_.wait(limit, is_stopped);
        }
        done = work_on_hand(chunk, true);
        if (is_cut_off_) {
            break;
        }
        asked = window_.handled(chunk.size());
    }
    reader_.commit(done);
    if (is_cut_off_) {
        reader_.wait(0, is_stopped);  // what is to come is the stop's business
    }
}

void Consumer::drain() {
    const RingReader::Drain drain = reader_.begin_drain();
    if (drain.closed_intake) {
        stage_.log().info("intake closed accepted={}", stage_.account().accepted);
    }
    stage_.log().info("terminating in_flight={} buffered={}", drain.in_flight, drain.buffered);
    // No more at a time than may be in flight: that is what a crash may repeat.
    const std::uint64_t most = stage_.segment().header().settings.max_demand;
    std::uint64_t done = 0;
    while (true) {
        if (stage_.launcher_is_gone()) {
            reader_.expect_no_other();
        }
        const RingReader::Chunk chunk = reader_.turn(done, 0, std::min(hand_.events(), most));
        if (chunk.is_empty()) {
            break;
        }
        done = work_on_hand(chunk, false);
        if (is_cut_off_) {
            reader_.commit(done);
            reader_.leave();
            return;
        }
    }
    sink_.tell_left_out();
    if (reader_.is_drained()) {
        stage_.log().info("drained all");
    }
}

std::uint64_t Consumer::work_on_hand(const RingReader::Chunk& chunk, bool stoppable) {
    const auto before = std::chrono::steady_clock::now();
    const std::uint64_t done = work_on(chunk, stoppable);
    if (!chunk.is_empty()) {
        hand_.took(chunk.size(), std::chrono::steady_clock::now() - before);
    }
    return done;
}

std::uint64_t Consumer::work_on(const RingReader::Chunk& chunk, bool stoppable) {
    std::uint64_t done = 0;
    for (const EventRange& range : chunk.ranges) {
        std::uint64_t begun = range.first;
        for (std::uint64_t event = range.first; event < range.last; ++event) {
            if (sink_.is_full() || (is_slow() && sink_.size() > 0)) {
                flush();
                reader_.commit(std::exchange(done, 0));
            }
            if (stoppable && is_draining()) {
                flush();
                return done;
            }
            if (event == begun) {
                if (!stage_.may_begin()) {
                    is_cut_off_ = true;
                    flush();
                    return done;
                }
                begun = std::min(range.last, event + (is_slow() ? 1 : kBegunAhead));
                reader_.begin({event, begun});
            }
            work_on_one(event, chunk.kind);
            ++done;
        }
    }
    flush();
    return done;
}

void Consumer::flush() {
    sink_.flush();
    stage_.count_lost_log_lines();
}

void Consumer::work_on_one(std::uint64_t event, CompletionKind kind) {
    if (is_slow()) {
        std::this_thread::sleep_for(event_delay_);
    }
    sink_.add({.kind = kind,
               .id = event + 1,
               .attempt = reader_.attempt(event),
               .payload = reader_.payload(event)});
}

bool Consumer::should_leave() const {
    return stage_.should_leave() || number_ >= stage_.segment().header().consumers.load();
}

bool Consumer::is_draining() const {
    return stage_.launcher_is_gone() || stage_.segment().header().phase.load() == Phase::draining;
}

}  // namespace drainpipe
