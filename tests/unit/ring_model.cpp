#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "delivery.hpp"
#include "ring_steps.hpp"
#include "ring_writer.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using namespace drainpipe::test;

namespace {

// A ring beside a plain deque of what it must hold, moved at random.
class Walk {
  public:
    Walk(Segment& segment, std::uint64_t seed) : segment_(segment), random_(seed) {
        segment.set_slot(std::uint64_t{0} - 1, {.end = static_cast<std::uint32_t>(end_)});
        writer_.emplace(segment);
        reader_.emplace(segment);
    }

    void step() {
        switch (between(0, 4)) {
            case 0:
            case 1:
                push();
                break;
            case 2:
                push_records();
                break;
            case 3:
                turn();
                break;
            default:
                replace_somebody();
        }
        check();
    }

  private:
    struct Held {
        std::string text;
        std::uint64_t begin;
    };

    std::uint64_t between(std::uint64_t least, std::uint64_t most) {
        return std::uniform_int_distribution<std::uint64_t>(least, most)(random_);
    }

    void push() {
        std::vector<std::string> texts(between(1, 5));
        std::vector<std::string_view> payloads;
        for (std::string& text : texts) {
            text.assign(between(0, 40), static_cast<char>(between('a', 'z')));
            payloads.push_back(text);
        }
        note(texts, writer_->push(payloads));
    }

    void push_records() {
        const std::size_t bytes = between(0, 5) * between(1, 8);
        std::vector<std::string> texts(between(1, 6));
        std::string records;
        for (std::string& text : texts) {
            text.assign(bytes, static_cast<char>(between('A', 'Z')));
            records += text;
        }
        note(texts, writer_->push_records(records.data(), texts.size(), bytes));
    }

    // Checks that as many were pushed as there was room for.
    void note(const std::vector<std::string>& texts, const RingWriter::Pushed& pushed) {
        const Geometry& geometry = segment_.header().geometry;
        for (std::size_t index = 0; index < texts.size(); ++index) {
            const std::uint64_t begin =
                (end_ + geometry.alignment - 1) / geometry.alignment * geometry.alignment;
            const std::uint64_t end = begin + texts[index].size();
            const std::uint64_t used_from = model_.empty() ? begin : model_.front().begin;
            const bool fits =
                model_.size() < geometry.capacity && end - used_from <= geometry.buffer_bytes;
            REQUIRE(fits == (index < pushed.count));
            if (!fits) {
                break;
            }
            model_.push_back({texts[index], begin});
            end_ = end;
        }
    }

    void turn() {
        const std::uint64_t done = chunk_.size();
        model_.erase(model_.begin(), model_.begin() + static_cast<std::ptrdiff_t>(done));
        unmet_ += between(0, 6);
        const std::uint64_t waiting = model_.size() - in_flight_ + done;
        const std::uint64_t given = std::min(unmet_, waiting);
        chunk_ = reader_->turn(done, unmet_ - unmet_before_, between(1, 8));
        unmet_ -= given;
        unmet_before_ = unmet_;
        in_flight_ += given - done;
        begin(*reader_, chunk_);
        REQUIRE(chunk_.size() <= in_flight_);
        std::uint64_t position = 0;
        for (const std::uint64_t event : events_of(chunk_)) {
            REQUIRE(reader_->payload(event) == model_[position++].text);
        }
        // Nothing undelivered, or no demand.
        REQUIRE((in_flight_ == model_.size() || unmet_ == 0));
        REQUIRE((!chunk_.is_empty() || in_flight_ == 0));
    }

    // As if it had died and another had taken its place.
    void replace_somebody() {
        if (between(0, 9) == 0) {
            writer_.emplace(segment_);
        }
        if (between(0, 9) == 0) {
            reader_.emplace(segment_);
            chunk_ = {};
            unmet_ = unmet_before_ = 0;  // a leaver takes it along
        }
    }

    void check() const {
        const Header& header = segment_.header();
        REQUIRE(header.tail.load() - read_ledger(header).head == model_.size());
        REQUIRE(segment_.left() == model_.size());
        segment_.validate();
    }

    Segment& segment_;
    std::mt19937_64 random_;
    std::optional<RingWriter> writer_;
    std::optional<Delivery> reader_;
    Delivery::Chunk chunk_{};
    std::deque<Held> model_;
    std::uint64_t end_ = (std::uint64_t{1} << 32) - 1001;  // of the last payload, among all bytes
    std::uint64_t unmet_ = 0;
    std::uint64_t unmet_before_ = 0;
    std::uint64_t in_flight_ = 0;
};

}  // namespace

TEST_SUITE("ring_model") {
    TEST_CASE("ring: a random walk agrees with a plain deque") {
        for (const std::uint64_t alignment : {1, 8, 16, 64}) {
            for (std::uint64_t seed = 1; seed <= 20; ++seed) {
                CAPTURE(alignment);
                CAPTURE(seed);
                ScratchSegment scratch("walk" + std::to_string(seed), 5 + seed, 50 + seed * 10,
                                       settings_for(1), alignment);
                Walk walk(scratch.get(), seed);
                for (int step = 0; step < 3000; ++step) {
                    walk.step();
                }
            }
        }
    }
}
