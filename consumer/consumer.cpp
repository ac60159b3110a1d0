#include "consumer.hpp"

#include <algorithm>
#include <string_view>
#include <thread>
#include <vector>

namespace drainpipe {
namespace {

// Events that are begun together where the work on one takes next to no time.
constexpr std::uint64_t kBegunAhead = 128;

DemandWindow window_of(const Settings& settings) {
    return {static_cast<std::int64_t>(settings.max_demand),
            static_cast<std::int64_t>(settings.min_demand)};
}

}  // namespace

Consumer::Consumer(Stage& stage, int output)
    : stage_(stage),
      reader_(stage.segment()),
      output_(output),
      window_(window_of(stage.segment().header().settings)),
      sink_(output_, stage.log()),
      event_delay_(stage.segment().header().settings.event_delay_microseconds) {
    stage_.listen(stage.segment().header().events_bell);
}

void Consumer::mend_output() const {
    std::vector<std::string_view> begun;
    const RingReader::Chunk repeated = reader_.repeated();
    for (std::uint64_t event = repeated.first; event < repeated.last; ++event) {
        begun.push_back(reader_.payload(event));
    }
    output_.mend(begun);
}

void Consumer::run() {
    stage_.report_ready();
    mend_output();
    work_until_stopped();
    if (is_draining()) {
        drain();
    }
    stage_.leave();
}

void Consumer::work_until_stopped() {
    const auto is_stopped = [this] { return stage_.should_leave() || is_draining(); };
    std::uint64_t asked = window_.first_ask(reader_.pending());
    std::uint64_t done = 0;
    while (!is_stopped()) {
        const RingReader::Chunk chunk = reader_.turn(done, asked, window_.chunk_limit());
        done = asked = 0;
        if (chunk.is_empty()) {
            reader_.wait_for_events(is_stopped);
        } else {
            done = work_on(chunk.first, chunk.last, Stretch::processed, true);
            asked = window_.handled(chunk.size());
        }
    }
    reader_.commit(done);
}

void Consumer::drain() {
    const RingReader::Drain drain = reader_.begin_drain();
    if (drain.closed_intake) {
        stage_.log().info("intake closed accepted={}",
                          drain.tail - stage_.segment().header().run_head.load());
    }
    const std::uint64_t emptied_to = std::max(drain.head, drain.in_flight_end);
    stage_.log().info("terminating in_flight={} buffered={}", emptied_to - drain.head,
                      drain.tail - emptied_to);
    work_on_all(drain.head, emptied_to, Stretch::emptied);
    reader_.map_buffered();
    work_on_all(emptied_to, drain.tail, Stretch::drained);
    stage_.log().info("drained all");
}

void Consumer::work_on_all(std::uint64_t first, std::uint64_t last, Stretch stretch) {
    // No more at a time than may be in flight: that is what a crash may repeat.
    const std::uint64_t most = stage_.segment().header().settings.max_demand;
    while (first < last) {
        const std::uint64_t piece_end = first + std::min(most, last - first);
        reader_.commit(work_on(first, piece_end, stretch, false));
        first = piece_end;
    }
}

std::uint64_t Consumer::work_on(std::uint64_t first, std::uint64_t last, Stretch stretch,
                                bool stoppable) {
    std::uint64_t begun = first;
    for (std::uint64_t event = first; event < last; ++event) {
        if (sink_.is_full() || (is_slow() && sink_.size() > 0)) {
            sink_.flush();
            reader_.commit(event - reader_.head());
            stage_.count_lost_log_lines();
        }
        if (stoppable && is_draining()) {
            last = event;
            break;
        }
        if (event >= begun) {
            begun = std::min(last, event + (is_slow() ? 1 : kBegunAhead));
            reader_.begin(begun);
        }
        if (is_slow()) {
            std::this_thread::sleep_for(event_delay_);
        }
        sink_.add({.stretch = stretch,
                   .id = event + 1,
                   .attempt = reader_.attempt(event),
                   .payload = reader_.payload(event)});
    }
    sink_.flush();
    return last - reader_.head();
}

bool Consumer::is_draining() const {
    return stage_.launcher_is_gone() || stage_.segment().header().phase.load() == Phase::draining;
}

}  // namespace drainpipe
