#include "settler.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

#include "ack_subject.hpp"

namespace drainpipe::nats {
namespace {

// A server has what it is told on its disk within a tenth of a second, a few tenths when it is
// busy; with a margin.
constexpr std::chrono::seconds kUntilOnDisk{2};
// Who is away for longer may have lost more than that: its machine went down, or an older state of
// it was restored.
constexpr std::chrono::seconds kShortOutage{5};

Verdict verdict_of(Fate fate) {
    switch (fate) {
        case Fate::dead:
            return Verdict::dead;
        case Fate::given_back:
            return Verdict::given_back;
        case Fate::done:
            break;
    }
    return Verdict::done;
}

}  // namespace

bool is_of(const HeldEvent& event, const std::string& generation) {
    const std::optional<AckSubject> subject = read_ack_subject(event.token);
    return subject && key_of(*subject, generation) == event.key;
}

void Settler::collect(SourceIntake::Clock::time_point until) {
    std::vector<HeldEvent> fates = intake_.wait_for_fates(until);
    if (fates_.empty()) {
        fates_.swap(fates);
    } else {
        std::move(fates.begin(), fates.end(), std::back_inserter(fates_));
    }
}

Settler::Result Settler::tell(natsConnection* connection, const std::string& generation) {
    forget_told_before(SourceIntake::Clock::now() - kShortOutage);
    if (fates_.empty()) {
        return Result::nothing;
    }
    std::vector<Acknowledgement> acknowledgements;
    std::vector<std::uint64_t> ids;
    acknowledgements.reserve(fates_.size());
    ids.reserve(fates_.size());
    for (const HeldEvent& event : fates_) {
        ids.push_back(event.id);
        const Fate fate = event.fate.value_or(Fate::done);
        // Only a stop gives back what nobody else has.
        const bool is_others =
            fate == Fate::given_back && (!intake_.is_giving_back() || is_withdrawn(event.id));
        if (is_others) {
            continue;
        }
        if (is_of(event, generation)) {
            acknowledgements.push_back({event.token, verdict_of(fate)});
        } else {
            acknowledge_unconfirmed(connection, event.token.c_str(), verdict_of(fate));
        }
    }
    if (acknowledge(connection, acknowledgements) != Confirmation::confirmed) {
        return Result::failed;
    }
    remember(std::move(acknowledgements));
    intake_.settle(ids);
    for (const std::uint64_t id : ids) {
        withdrawn_.erase(id);
    }
    fates_.clear();
    return Result::settled;
}

void Settler::remember(std::vector<Acknowledgement> acknowledgements) {
    // Another one may have the message by now: to give it back again would take it away.
    std::erase_if(acknowledgements, [](const Acknowledgement& one) {
        return one.verdict != Verdict::done && one.verdict != Verdict::dead;
    });
    const auto now = SourceIntake::Clock::now();
    forget_told_before(now - kUntilOnDisk);
    told_.push_back({now, std::move(acknowledgements)});
}

void Settler::forget_told_before(SourceIntake::Clock::time_point time) {
    while (!told_.empty() && told_.front().at < time) {
        told_.pop_front();
    }
}

void Settler::tell_again(natsConnection* connection, std::uint64_t last_sequence) {
    forget_told_before(SourceIntake::Clock::now() - kShortOutage);
    const auto is_there = [&](const Acknowledgement& one) {
        const std::optional<AckSubject> subject = read_ack_subject(one.subject);
        return subject && subject->stream_sequence <= last_sequence;
    };
    const bool are_all_there = std::ranges::all_of(told_, [&](const Told& told) {
        return std::ranges::all_of(told.acknowledgements, is_there);
    });
    if (!are_all_there) {
        told_.clear();
    }
    for (const Told& told : told_) {
        for (const Acknowledgement& one : told.acknowledgements) {
            acknowledge_unconfirmed(connection, one.subject.c_str(), one.verdict);
        }
    }
}

void Settler::withdraw(const std::vector<std::uint64_t>& ids) {
    withdrawn_.insert(ids.begin(), ids.end());
    intake_.withdraw(ids);
}

}  // namespace drainpipe::nats
