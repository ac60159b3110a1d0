#include "run_log.hpp"

#include <algorithm>
#include <map>

#include "log_lines.hpp"

namespace drainpipe {

void RunLog::read(const std::filesystem::path& path) {
    LogLines lines(path);
    while (const auto line = lines.next()) {
        take_line(line->text, line->is_whole);
    }
    finish();
}

// What a run without a summary left, the next one of its name recovers.
void RunLog::finish() {
    std::map<std::string_view, RunHistory*> latest;
    for (RunHistory& run : runs_) {
        run.finish();
        RunHistory*& before = latest[run.name()];
        if (before != nullptr && !before->account() && run.recovered()) {
            before->note_left(*run.recovered());
        }
        before = &run;
    }
}

void RunLog::take_line(std::string_view line, bool is_whole) {
    ++lines_;
    const auto record = is_whole ? parse_record(line) : std::nullopt;
    if (!record) {
        ++foreign_lines_;
        return;
    }
    run_of(*record).take(*record);
}

// The name's latest run, or a new one.
RunHistory& RunLog::run_of(const LogRecord& record) {
    const auto latest = std::find_if(runs_.rbegin(), runs_.rend(), [&](const RunHistory& run) {
        return run.name() == record.name;
    });
    const bool has_one = latest != runs_.rend();
    if (has_one && latest->goes_on_with(record)) {
        return *latest;
    }
    if (has_one) {
        latest->end_before_next();
    }
    runs_.emplace_back(record, has_one && latest->account());
    if (runs_.size() > most_) {
        // One that is over rather than one that may still have records to come.
        const auto over = std::find_if(runs_.begin(), std::prev(runs_.end()), [](const auto& run) {
            return run.account() || run.has_successor();
        });
        runs_.erase(over == std::prev(runs_.end()) ? runs_.begin() : over);
        ++forgotten_;
    }
    return runs_.back();
}

}  // namespace drainpipe
