#include "lease_keeper.hpp"

#include <algorithm>
#include <utility>

#include "acknowledger.hpp"

namespace drainpipe::nats {
namespace {

constexpr std::chrono::milliseconds kMinMargin{200};
// Before what could not be said is said again.
constexpr std::chrono::milliseconds kRetry{200};
constexpr std::chrono::seconds kPushLimit{1};

std::vector<std::uint64_t> ids_of(const std::vector<HeldEvent>& events) {
    std::vector<std::uint64_t> ids;
    ids.reserve(events.size());
    for (const HeldEvent& event : events) {
        ids.push_back(event.id);
    }
    return ids;
}

}  // namespace

SourceIntake::LeaseTime LeaseKeeper::margin() const {
    return std::min(std::max<Time>(ack_wait_ / 8, kMinMargin), ack_wait_ / 4);
}

void LeaseKeeper::set_consumer(const std::string& generation, std::chrono::nanoseconds ack_wait) {
    if (ack_wait < ack_wait_ || generation != generation_) {
        due_ = Clock::now();
    }
    generation_ = generation;
    ack_wait_ = ack_wait;
    const std::lock_guard lock(mutex_);
    pushable_margin_ = margin() / 2;
}

std::vector<HeldEvent> LeaseKeeper::held_without_fate() const {
    std::vector<HeldEvent> held = intake_.held();
    std::erase_if(held, [this](const HeldEvent& event) {
        return event.fate.has_value() || settler_.is_withdrawn(event.id);
    });
    return held;
}

bool LeaseKeeper::renew(natsConnection* connection) {
    const Time begin = SourceIntake::lease_clock();
    std::vector<Acknowledgement> all;
    {
        const std::lock_guard lock(mutex_);
        round_begin_ = begin;
        if (in_hand_ != nullptr) {
            for (const Delivery& delivery : *in_hand_) {
                all.push_back({natsMsg_GetReply(delivery.message.get()), Verdict::in_progress});
            }
        }
    }
    const std::vector<HeldEvent> held = held_without_fate();
    // Before it is said that any is in progress: that would hold on to what others have.
    const bool is_of_another =
        std::any_of(held.begin(), held.end(),
                    [this](const HeldEvent& event) { return !is_of(event, generation_); });
    if (!held.empty() && (is_of_another || begin >= intake_.lease())) {
        return is_giving_back_ || let_go(held);
    }
    for (const HeldEvent& event : held) {
        all.push_back({event.token, Verdict::in_progress});
    }
    due_ = Clock::now() + kRetry;
    if (acknowledge(connection, all) != Confirmation::confirmed) {
        return false;
    }
    if (!all.empty() && SourceIntake::lease_clock() >= intake_.lease()) {
        return is_giving_back_ || let_go(held_without_fate());
    }
    set_lease(begin);
    return true;
}

// Withdraws what others may have, and begins anew with what comes from now on.
bool LeaseKeeper::let_go(const std::vector<HeldEvent>& held) {
    intake_.set_lease(Time{0});
    if (!wait_until_nothing_is_pushed()) {
        return false;
    }
    settler_.withdraw(ids_of(held));
    settler_.withdraw(ids_of(held_without_fate()));  // what was being put in
    const Time begin = SourceIntake::lease_clock();
    {
        const std::lock_guard lock(mutex_);
        round_begin_ = begin;
    }
    set_lease(begin);
    return true;
}

bool LeaseKeeper::wait_until_nothing_is_pushed() {
    std::unique_lock lock(mutex_);
    return pushed_.wait_for(lock, kPushLimit, [this] { return in_hand_ == nullptr; });
}

void LeaseKeeper::set_lease(Time begin) {
    if (!is_giving_back_) {
        intake_.set_lease(begin + ack_wait_ - margin());
    }
    due_ = Clock::now() + ack_wait_ / 4;
}

void LeaseKeeper::give_back() {
    if (std::exchange(is_giving_back_, true)) {
        return;
    }
    const std::vector<HeldEvent> held = held_without_fate();
    const bool may_be_others = SourceIntake::lease_clock() >= intake_.lease();
    intake_.set_lease(Time{0});
    if (may_be_others) {
        settler_.withdraw(ids_of(held));
    } else {
        intake_.withdraw(ids_of(held));
    }
}

void LeaseKeeper::begin_push(std::vector<Delivery>& deliveries) {
    const std::lock_guard lock(mutex_);
    const bool has_lease = SourceIntake::lease_clock() < intake_.lease();
    std::erase_if(deliveries, [&](const Delivery& delivery) {
        return !has_lease || delivery.not_before + pushable_margin_ < round_begin_;
    });
    in_hand_ = &deliveries;
}

void LeaseKeeper::end_push() {
    {
        const std::lock_guard lock(mutex_);
        in_hand_ = nullptr;
    }
    pushed_.notify_all();
}

}  // namespace drainpipe::nats
