#include "source_intake_body.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace drainpipe {
namespace {

std::size_t size_of(const Message& message) {
    return Trailer::size_with(message.payload.size(), message.token.size(),
                              message.attributes.size());
}

Fate to_public(Settlement::Fate fate) {
    switch (fate) {
        case Settlement::Fate::dead:
            return Fate::dead;
        case Settlement::Fate::given_back:
            return Fate::given_back;
        case Settlement::Fate::done:
            break;
    }
    return Fate::done;
}

std::uint64_t count_redelivered(std::span<const Message> messages) {
    return static_cast<std::uint64_t>(
        std::ranges::count_if(messages, [](const Message& each) { return each.is_redelivered; }));
}

std::vector<std::uint64_t> numbers_of(const std::vector<std::uint64_t>& ids) {
    std::vector<std::uint64_t> numbers = ids;
    std::ranges::for_each(numbers, [](std::uint64_t& number) { --number; });
    return numbers;
}

}  // namespace

SourceIntakeBody::SourceIntakeBody(Segment& segment, Source::Acceptor& acceptor, Host host)
    : segment_(segment), acceptor_(acceptor), host_(std::move(host)), settlement_(segment) {}

// A little less than there is: what is accepted meanwhile is not read for it.
SourceIntake::Room SourceIntakeBody::room() const {
    const std::lock_guard guard(settling_);
    const Header& header = segment_.header();
    const Geometry& geometry = header.geometry;
    const std::uint64_t settled = settlement_.settled();
    const std::uint64_t tail = header.tail.load();
    const std::uint64_t used =
        settled == tail
            ? 0
            : static_cast<std::uint32_t>(segment_.begin_of(tail) - segment_.begin_of(settled));
    return {.events = geometry.capacity - std::min(geometry.capacity, tail - settled),
            .bytes = geometry.buffer_bytes - std::min(geometry.buffer_bytes, used)};
}

std::size_t SourceIntakeBody::largest() const {
    const std::uint64_t buffer = segment_.header().geometry.buffer_bytes;
    return buffer - std::min<std::uint64_t>(buffer, sizeof(Trailer));
}

void SourceIntakeBody::assemble(const std::vector<Message>& messages) {
    pieces_.clear();
    views_.clear();
    std::size_t bytes = 0;
    for (const Message& message : messages) {
        if (size_of(message) > segment_.header().geometry.buffer_bytes) {
            throw std::length_error("a message of " + std::to_string(message.payload.size()) +
                                    " bytes is larger than the ring's buffer of " +
                                    std::to_string(segment_.header().geometry.buffer_bytes) +
                                    " (--buffer-size)");
        }
        bytes += size_of(message);
    }
    pieces_.reserve(bytes);  // the views stay
    for (const Message& message : messages) {
        const std::size_t begin = pieces_.size();
        TrailedPayload{.payload = message.payload,
                       .token = message.token,
                       .attributes = message.attributes,
                       .key = message.key}
            .append_to(pieces_);
        views_.emplace_back(pieces_.data() + begin, pieces_.size() - begin);
    }
}

// Those that were delivered before are counted before they are in: killed in between, some count
// that are not.
std::size_t SourceIntakeBody::push(const std::vector<Message>& messages) {
    const std::lock_guard pushing(pushing_);
    if (is_closing() || messages.empty()) {
        return 0;
    }
    assemble(messages);
    const std::uint64_t first = segment_.header().tail.load();
    {
        const std::lock_guard guard(settling_);
        settlement_.make_room_for(messages.size());
    }
    Word<std::uint64_t>& redelivered = segment_.header().redelivered_by_source;
    redelivered.add(count_redelivered(messages));
    const std::size_t accepted = acceptor_.accept(views_);
    redelivered.add(-count_redelivered(std::span(messages).subspan(accepted)));
    const std::lock_guard guard(settling_);
    settlement_.note_accepted(first);
    return accepted;
}

SourceIntake::Known SourceIntakeBody::find(std::uint64_t key) const {
    const std::lock_guard guard(settling_);
    const std::optional<std::uint64_t> event = settlement_.find(key);
    return !event                           ? SourceIntake::Known::no
           : settlement_.is_settled(*event) ? SourceIntake::Known::settled
                                            : SourceIntake::Known::held;
}

HeldEvent SourceIntakeBody::held_event(std::uint64_t event,
                                       std::optional<Settlement::Fate> fate) const {
    const TrailedPayload payload = segment_.trailed_payload(event);
    return {.id = event + 1,
            .key = payload.key,
            .token = std::string(payload.token),
            .fate = fate ? std::optional(to_public(*fate)) : std::nullopt};
}

std::vector<HeldEvent> SourceIntakeBody::held() const {
    const std::lock_guard guard(settling_);
    std::vector<HeldEvent> held;
    for (const std::uint64_t event : settlement_.held()) {
        held.push_back(held_event(event, settlement_.fate_of(event)));
    }
    return held;
}

bool SourceIntakeBody::has_to_settle() const {
    const std::lock_guard guard(settling_);
    return settlement_.has_ended();
}

std::vector<HeldEvent> SourceIntakeBody::take_fates() {
    const std::lock_guard guard(settling_);
    std::vector<HeldEvent> fates;
    for (const Settlement::Ended& ended : settlement_.take_ended()) {
        fates.push_back(held_event(ended.event, ended.fate));
    }
    return fates;
}

std::vector<HeldEvent> SourceIntakeBody::wait_for_fates(SourceIntake::Clock::time_point until) {
    EventCount& event_count = segment_.header().room_available;
    while (true) {
        const std::uint32_t noted = event_count.prepare_wait();
        std::vector<HeldEvent> fates = take_fates();
        const Standing now_standing = standing();
        const bool has_changed = std::exchange(told_, now_standing) != now_standing;
        const SourceIntake::Clock::time_point now = SourceIntake::Clock::now();
        if (!fates.empty() || has_changed || now >= until) {
            return fates;
        }
        event_count.wait(noted,
                         std::min<std::chrono::nanoseconds>(EventCount::kBackstop, until - now));
    }
}

void SourceIntakeBody::settle(const std::vector<std::uint64_t>& ids) {
    const std::lock_guard guard(settling_);
    settlement_.settle(numbers_of(ids));
}

void SourceIntakeBody::set_lease(SourceIntake::LeaseTime until) {
    settlement_.set_lease(until);
    segment_.header().events_available.notify();
}

SourceIntake::LeaseTime SourceIntakeBody::lease() const { return settlement_.lease(); }

// Where the stop gives back no consumer is left to do it.
void SourceIntakeBody::withdraw(const std::vector<std::uint64_t>& ids) {
    const std::lock_guard guard(settling_);
    if (host_.is_giving_back()) {
        settlement_.give_back_all();
    } else {
        settlement_.withdraw(numbers_of(ids));
    }
}

void SourceIntakeBody::report(const SourceIntake::State& state) {
    Header& header = segment_.header();
    header.source_connected.store(state.is_connected ? 1 : 0);
    header.source_pending.store(state.pending);
    header.source_ack_pending.store(state.ack_pending);
    if (state.is_connected) {
        header.source_was_connected.store(1);
    }
}

bool SourceIntakeBody::has_been_connected() const {
    return segment_.header().source_was_connected.load() != 0;
}

}  // namespace drainpipe
