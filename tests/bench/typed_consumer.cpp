// Reads every event in place, all of it: none is missing, none comes twice or out of order, and no
// word of any is another than was pushed. It puts out the count when BENCH_EVENTS have come. With
// BENCH_ONE_BY_ONE in the environment its handler is called for each.

#include <cstdlib>
#include <numeric>
#include <string>

#include "drainpipe/consumer.hpp"
#include "typed_event.hpp"

namespace {

class Reader {
  public:
    explicit Reader(std::uint64_t events) : events_(events) {}

    bool read(const drainpipe::Event& event) {
        const auto& typed = event.as<drainpipe::bench::TypedEvent>();
        const std::uint64_t sum =
            std::accumulate(typed.others.begin(), typed.others.end(), std::uint64_t{0});
        const bool is_right = typed.number == next_ && sum == 7 * drainpipe::bench::kOther;
        ++next_;
        return is_right;
    }

    drainpipe::Outcome outcome() const {
        return next_ == events_ ? drainpipe::done(std::to_string(next_)) : drainpipe::done();
    }

  private:
    std::uint64_t events_;
    std::uint64_t next_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    using namespace drainpipe;
    Reader reader(std::stoull(std::getenv("BENCH_EVENTS")));
    if (std::getenv("BENCH_ONE_BY_ONE") != nullptr) {
        return consume(argc, argv, [&reader](const Event& event) {
            return reader.read(event) ? reader.outcome() : dead("another event was due");
        });
    }
    return consume_batches(argc, argv, [&reader](const Batch& batch) {
        for (const Event& event : batch) {
            if (!reader.read(event)) {
                return dead("another event was due");
            }
        }
        return reader.outcome();
    });
}
