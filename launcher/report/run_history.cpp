#include "run_history.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "escape.hpp"
#include "failure.hpp"
#include "quantity.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kMostBytesShown = 200;
constexpr std::size_t kMostScalings = 64;

std::string shown(std::string_view text) {
    const std::string_view beginning = whole_characters(text, kMostBytesShown);
    return escaped(beginning) + (beginning.size() < text.size() ? "..." : "");
}

std::size_t lane_of(const Speaker& speaker) {
    return speaker.program == Program::consumer ? speaker.number : 0;
}

std::string name_of(const Speaker& speaker) {
    switch (speaker.program) {
        case Program::launcher:
            return "launcher";
        case Program::producer:
            return "producer";
        case Program::consumer:
            return "consumer." + std::to_string(speaker.number);
    }
    return {};
}

bool begins_run(std::string_view message) {
    return message.starts_with("recovered events=") || message.starts_with("discarded events=") ||
           message.starts_with("going on behind line ") || message.starts_with("kept capacity=") ||
           message.starts_with("ready name=");
}

Count count_of(EventKind kind) {
    switch (kind) {
        case EventKind::processed:
            return Count::processed;
        case EventKind::emptied:
            return Count::emptied;
        case EventKind::drained:
            return Count::drained;
        case EventKind::failed:
            return Count::failed;
        case EventKind::dead:
            return Count::dead;
    }
    return Count::processed;
}

std::optional<Microseconds> parse_grace(std::string_view message) {
    const auto text = value_of(message, "grace");
    if (!text) {
        return std::nullopt;
    }
    try {
        return parse_duration("grace", std::string(*text)).count();
    } catch (const Failure&) {
        return std::nullopt;
    }
}

// Every other one goes, but for the last.
void thin_out(std::vector<RunHistory::Standing>& standings) {
    std::size_t kept = 0;
    for (std::size_t index = 0; index < standings.size(); index += 2) {
        standings[kept++] = standings[index];
    }
    standings.resize(kept);
}

}  // namespace

RunHistory::RunHistory(const LogRecord& first, bool is_from_beginning)
    : name_(first.name),
      is_from_beginning_(is_from_beginning ||
                         (first.speaker.program == Program::launcher && begins_run(first.message))),
      end_(first.time),
      timeline_(first.time) {}

bool RunHistory::goes_on_with(const LogRecord& record) const {
    const bool is_launcher = record.speaker.program == Program::launcher;
    if (account_) {
        return is_launcher && record.pid == launcher_pid_ &&
               record.message.starts_with("accepted_lines=");
    }
    if (!is_launcher) {
        return true;
    }
    if (launcher_pid_ != 0 && record.pid != launcher_pid_) {
        return false;
    }
    const bool is_under_way = ready_ || stop_.begun || launcher_pid_ == 0 || !is_from_beginning_;
    const bool has_only_stages = launcher_pid_ == 0 && record.message.starts_with("ready name=");
    return !begins_run(record.message) || !is_under_way || has_only_stages;
}

void RunHistory::take(const LogRecord& record) {
    end_ = std::max(end_, record.time);
    hear(record);
    if (record.speaker.program == Program::consumer) {
        if (const auto event = parse_event(record.message)) {
            take_event(record, *event);
            return;
        }
    }
    timeline_.see_id(record.time, 0);  // it goes on at least so far
    if (stop_timeline_) {
        stop_timeline_->see_id(record.time, 0);
    }
    take_word(record);
}

// The records of one process go back in time only with the clock.
void RunHistory::hear(const LogRecord& record) {
    constexpr Microseconds kSlewed = 1'000'000;
    Heard& heard = record.speaker.program == Program::launcher
                       ? launcher_heard_
                       : stage(lane_of(record.speaker)).heard;
    if (heard.pid != record.pid) {
        heard = {record.pid, record.time, record.time};
    }
    has_clock_jumped_ = has_clock_jumped_ || record.time + kSlewed < heard.last;
    heard.last = record.time;
}

void RunHistory::take_event(const LogRecord& record, const LoggedEvent& event) {
    const std::size_t lane = lane_of(record.speaker);
    StageHistory& stage = speaking_stage(record);
    stage.last_event = record.time;
    stage.lowest_id = std::min(stage.lowest_id.value_or(event.id), event.id);
    stage.highest_id = std::max(stage.highest_id, event.id);
    count(record.time, lane, count_of(event.kind));
    timeline_.see_id(record.time, event.id);
    if (stop_timeline_) {
        stop_timeline_->see_id(record.time, event.id);
    }
    if (event.took) {
        ++work_.events;
        work_.seconds += static_cast<double>(*event.took) / 1e6;
        work_.longest = std::max(work_.longest, *event.took);
    }
    if (event.kind == EventKind::emptied) {
        stop_.emptied = std::max(stop_.emptied.value_or(record.time), record.time);
    }
    if (event.kind == EventKind::failed || event.kind == EventKind::dead) {
        take_failure(record, event);
    }
}

void RunHistory::take_failure(const LogRecord& record, const LoggedEvent& event) {
    const bool is_dead = event.kind == EventKind::dead;
    failures_.add({record.time, is_dead ? Moment::Kind::dead_letter : Moment::Kind::failure,
                   name_of(record.speaker), shown(record.message)});
    const std::string reason = shown(event.reason);
    if (reasons_.size() < kMostReasons || reasons_.contains(reason)) {
        ++reasons_[reason];
    } else {
        ++other_reasons_;
    }
}

void RunHistory::take_word(const LogRecord& record) {
    if (record.level != Level::info && record.speaker.program != Program::launcher) {
        count(record.time, lane_of(record.speaker), Count::warnings);
    }
    if (record.level == Level::error && first_error_.empty()) {
        first_error_ = shown(record.message);
    }
    if (record.message.starts_with("summary ")) {
        take_summary(record);
        return;
    }
    const bool is_known =
        record.speaker.program == Program::launcher ? take_launcher(record) : take_stage(record);
    if (!is_known) {
        say(record, record.level == Level::info ? Moment::Kind::life : Moment::Kind::trouble);
    }
}

bool RunHistory::take_launcher(const LogRecord& record) {
    const std::string_view message = record.message;
    launcher_pid_ = record.pid;
    if (message.starts_with("child exited ")) {
        take_exit(record);
    } else if (message.starts_with("ready name=")) {
        take_ready(record);
    } else if (message.starts_with("stopping ")) {
        take_stopping(record);
    } else if (message.starts_with("progress ")) {
        if (const auto accepted = number_of(message, "accepted")) {
            note({record.time, *accepted, number_of(message, "done"),
                  number_of(message, "dead").value_or(0), 0, 0});
        }
    } else if (message.starts_with("recovered ")) {
        recovered_ = number_of(message, "events");
        say(record, Moment::Kind::life);
    } else if (message.starts_with("scale ")) {
        if (scalings_.size() < kMostScalings) {
            scalings_.push_back({record.time, number_of(message, "consumers").value_or(0)});
        }
        say(record, Moment::Kind::life);
    } else {
        return false;
    }
    return true;
}

bool RunHistory::take_stage(const LogRecord& record) {
    speaking_stage(record);
    const std::string_view message = record.message;
    if (message.starts_with("left out ")) {
        take_left_out(record);
    } else if (message.starts_with("terminating ")) {
        take_terminating(record);
    } else if (message.starts_with("intake closed ")) {
        stop_.intake_closed = stop_.intake_closed.value_or(record.time);
        if (const auto accepted = number_of(message, "accepted")) {
            note({record.time, *accepted, std::nullopt, 0, 0, 0});
        }
        say(record, Moment::Kind::stop);
    } else if (message == "drained all") {
        stop_.drained = record.time;
        say(record, Moment::Kind::stop);
    } else {
        return false;
    }
    return true;
}

void RunHistory::take_ready(const LogRecord& record) {
    ready_ = record.time;
    is_from_beginning_ = true;  // what came before it in the log came before it in the run
    identity_ = shown(value_of(record.message, "run").value_or(""));
    // What a user names may hold anything, and comes last.
    const auto source = record.message.find(" source=");
    const auto socket = value_of(record.message, "socket");
    source_ = source != std::string_view::npos ? shown(record.message.substr(source + 8))
              : socket                         ? "clients, over " + shown(*socket)
                                               : "";
    say(record, Moment::Kind::life);
}

void RunHistory::take_stopping(const LogRecord& record) {
    stop_.begun = stop_.begun.value_or(record.time);
    stop_.reason = shown(value_of(record.message, "reason").value_or(""));
    stop_.grace = parse_grace(record.message);
    if (!stop_timeline_) {
        stop_timeline_.emplace(record.time);
    }
    say(record, Moment::Kind::stop);
}

void RunHistory::take_exit(const LogRecord& record) {
    const auto role = value_of(record.message, "role");
    const auto speaker = role ? parse_speaker(*role) : std::nullopt;
    if (!speaker || speaker->program == Program::launcher) {
        say(record, Moment::Kind::life);
        return;
    }
    const std::size_t lane = lane_of(*speaker);
    const auto uptime = seconds_of(record.message, "uptime");
    if (uptime) {
        note_start(record.time - *uptime, lane);
    }
    const bool is_death = value_of(record.message, "status") != std::string_view("0");
    StageHistory& stage = this->stage(lane);
    const auto pid = static_cast<std::int64_t>(number_of(record.message, "pid").value_or(0));
    constexpr Microseconds kFar = 3'600'000'000;
    has_clock_jumped_ = has_clock_jumped_ || (uptime && stage.heard.pid == pid &&
                                              stage.heard.first + *uptime + kFar < record.time);
    stage.ended = record.time;
    stage.ended_pid = pid;
    stage.has_died = is_death;
    stage.seen_again.reset();
    if (is_death) {
        count(record.time, lane, Count::deaths);
    }
    say(record, is_death ? Moment::Kind::death : Moment::Kind::life);
}

// That a process of the stage was started then. The log tells it only when that one has ended.
void RunHistory::note_start(Microseconds time, std::size_t lane) {
    StageHistory& stage = this->stage(lane);
    if (!stage.ended) {
        return;  // it is the first one
    }
    time = std::max(time, *stage.ended);
    count(time, lane, Count::starts);
    if (stage.has_died && stage.gaps.size() < kMostGaps) {
        stage.gaps.push_back({*stage.ended, time});
    }
}

// Of a process that has not ended it is not known when it was started, but that it was.
void RunHistory::finish() {
    for (std::size_t lane = 0; lane < stages_.size(); ++lane) {
        if (const auto seen = std::exchange(stages_[lane].seen_again, std::nullopt)) {
            note_start(*seen, lane);
        }
    }
}

void RunHistory::take_summary(const LogRecord& record) {
    const auto number = [&](std::string_view key) {
        return number_of(record.message, key).value_or(0);
    };
    account_ = {.accepted = number("accepted"),
                .processed = number("processed"),
                .emptied = number("emptied"),
                .drained = number("drained"),
                .dead = number("dead"),
                .left = number("left"),
                .redelivered = number("redelivered"),
                .retried = number("retried")};
    accountant_ = record.speaker.program;
    stop_.summary = record.time;
    note({record.time, account_->accepted, account_->done(), account_->dead, 0, 0});
    say(record, Moment::Kind::stop);
}

// Each consumer says what it has in flight, and what is buffered for all.
void RunHistory::take_terminating(const LogRecord& record) {
    if (!stop_.terminating) {
        stop_.terminating = record.time;
        stop_.buffered = number_of(record.message, "buffered").value_or(0);
    }
    stop_.in_flight += number_of(record.message, "in_flight").value_or(0);
    if (!stop_timeline_) {
        stop_timeline_.emplace(record.time);
    }
    say(record, Moment::Kind::stop);
}

// They were done since the last such record, which a consumer at work writes each second; one that
// has nothing to do tells it late.
void RunHistory::take_left_out(const LogRecord& record) {
    const std::size_t lane = lane_of(record.speaker);
    StageHistory& stage = this->stage(lane);
    const std::uint64_t records = number_of(record.message, "records").value_or(0);
    const Microseconds since = stage.told_left_out.value_or(timeline_.begin());
    constexpr Microseconds kLate = 2'000'000;
    const bool is_late =
        record.time - since > kLate && stage.last_event && *stage.last_event > since;
    const Microseconds until = is_late ? *stage.last_event : record.time;
    const bool is_of_drain = stop_.terminating && until >= *stop_.terminating;
    const Count what = is_of_drain ? Count::drained : Count::processed;
    stage.left_out += records;
    stage.totals[static_cast<std::size_t>(what)] += records;
    timeline_.spread(since, until, lane, what, records);
    if (stop_timeline_) {
        stop_timeline_->spread(since, until, lane, what, records);
    }
    stage.told_left_out = record.time;
}

StageHistory& RunHistory::stage(std::size_t lane) {
    if (lane >= stages_.size()) {
        stages_.resize(lane + 1);
    }
    return stages_[lane];
}

StageHistory& RunHistory::speaking_stage(const LogRecord& record) {
    StageHistory& stage = this->stage(lane_of(record.speaker));
    if (stage.ended && !stage.seen_again && record.pid != stage.ended_pid) {
        stage.seen_again = record.time;
    }
    return stage;
}

void RunHistory::count(Microseconds time, std::size_t lane, Count what, std::uint64_t count) {
    stage(lane).totals[static_cast<std::size_t>(what)] += count;
    timeline_.add(time, lane, what, count);
    if (stop_timeline_ && time >= stop_timeline_->begin()) {
        stop_timeline_->add(time, lane, what, count);
    }
}

void RunHistory::note(Standing standing) {
    std::optional<std::uint64_t> least;
    for (const StageHistory& stage : stages_) {
        if (const std::uint64_t records = settled_in(stage.totals)) {
            standing.records += records;
            least = std::min(least.value_or(records), records);
        }
    }
    standing.least_records = least.value_or(0);
    if (standings_.size() == kMostStandings) {
        thin_out(standings_);
    }
    standings_.push_back(standing);
}

void RunHistory::say(const LogRecord& record, Moment::Kind kind) {
    moments_.add({record.time, kind, name_of(record.speaker), shown(record.message)});
}

}  // namespace drainpipe
