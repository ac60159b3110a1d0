#include "settler.hpp"

#include <iterator>
#include <optional>
#include <utility>

#include "ack_subject.hpp"
#include "acknowledger.hpp"

namespace drainpipe::nats {
namespace {

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

bool is_of(const HeldEvent& event, const std::string& created) {
    const std::optional<AckSubject> subject = read_ack_subject(event.token);
    return subject && key_of(*subject, created) == event.key;
}

void Settler::collect(SourceIntake::Clock::time_point until) {
    std::vector<HeldEvent> fates = intake_.wait_for_fates(until);
    if (fates_.empty()) {
        fates_.swap(fates);
    } else {
        std::move(fates.begin(), fates.end(), std::back_inserter(fates_));
    }
}

Settler::Result Settler::tell(natsConnection* connection, const std::string& created) {
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
        if (is_of(event, created)) {
            acknowledgements.push_back({event.token, verdict_of(fate)});
        } else {
            acknowledge_unconfirmed(connection, event.token.c_str(), verdict_of(fate));
        }
    }
    if (acknowledge(connection, acknowledgements) != Confirmation::confirmed) {
        return Result::failed;
    }
    intake_.settle(ids);
    for (const std::uint64_t id : ids) {
        withdrawn_.erase(id);
    }
    fates_.clear();
    return Result::settled;
}

void Settler::withdraw(const std::vector<std::uint64_t>& ids) {
    withdrawn_.insert(ids.begin(), ids.end());
    intake_.withdraw(ids);
}

}  // namespace drainpipe::nats
