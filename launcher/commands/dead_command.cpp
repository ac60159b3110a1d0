#include "dead_command.hpp"

#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "answer.hpp"
#include "connection.hpp"
#include "dead_letter_file.hpp"
#include "enqueue.hpp"
#include "escape.hpp"
#include "payload_source.hpp"
#include "role_locks.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kMaxPayloadShown = 64;
constexpr std::size_t kMaxNamed = 10;  // in one message
constexpr std::size_t kPrintedAtOnce = 64 * 1024;

std::uint64_t parse_id(const std::string& text) {
    std::uint64_t id = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, id);
    if (error != std::errc() || rest != end) {
        throw Failure(ExitCode::usage, "dead: '" + text + "' is not the ID of an event");
    }
    return id;
}

DeadCommand::Verb parse_verb(const std::vector<std::string>& words) {
    const std::string there_is = "list [--json], retry [ID...], drop ID... and drop --all";
    if (words.empty()) {
        throw Failure(ExitCode::usage, "dead: what to do is missing; there is " + there_is);
    }
    if (words[0] == "list") {
        return DeadCommand::Verb::list;
    }
    if (words[0] == "retry") {
        return DeadCommand::Verb::retry;
    }
    if (words[0] == "drop") {
        return DeadCommand::Verb::drop;
    }
    throw Failure(ExitCode::usage,
                  "dead: '" + words[0] + "' is nothing that can be done; there is " + there_is);
}

// "3, 17 and 5 more"
template <typename Numbers>
std::string listed(const Numbers& numbers) {
    std::string text;
    std::size_t count = 0;
    for (const std::uint64_t number : numbers) {
        if (++count <= kMaxNamed) {
            text += (text.empty() ? "" : ", ") + std::to_string(number);
        }
    }
    return count > kMaxNamed ? text + " and " + std::to_string(count - kMaxNamed) + " more" : text;
}

// What went wrong, of several things, and the exit code of the first.
class Complaints {
  public:
    void add(ExitCode code, const std::string& complaint) {
        code_ = text_.empty() ? code : code_;
        text_ += (text_.empty() ? "" : "; ") + complaint;
    }
    void add_unreadable(const DeadLetterFile& file, const std::vector<std::size_t>& lines) {
        if (!lines.empty()) {
            add(ExitCode::io, file.path().string() + ": no dead letter is in line " +
                                  listed(lines) + ", which stays as it is");
        }
    }
    ExitCode answer() const {
        if (!text_.empty()) {
            throw Failure(code_, text_);
        }
        return ExitCode::done;
    }

  private:
    ExitCode code_ = ExitCode::done;
    std::string text_;
};

// Throws unless each of these ids has a letter.
void require_all(const std::set<std::uint64_t>& wanted, const std::set<std::uint64_t>& found,
                 const DeadLetterFile& file) {
    std::vector<std::uint64_t> missing;
    for (const std::uint64_t id : wanted) {
        if (!found.contains(id)) {
            missing.push_back(id);
        }
    }
    if (!missing.empty()) {
        throw Failure(ExitCode::usage, "no dead letter of event " + listed(missing) + " is in " +
                                           file.path().string() + ": nothing was changed");
    }
}

std::string line_for_person(const DeadLetter& letter) {
    const std::string_view shown = whole_characters(letter.payload, kMaxPayloadShown);
    return "id=" + std::to_string(letter.id) + " time=" + escaped(letter.time) +
           " attempts=" + std::to_string(letter.attempts) + " reason=\"" + escaped(letter.reason) +
           "\" payload=" + escaped(shown) + (shown.size() < letter.payload.size() ? "..." : "") +
           "\n";
}

ExitCode list(const DeadLetterFile& file, bool as_json) {
    std::string text;
    const auto unreadable = file.visit([&](const DeadLetter& letter, std::string_view line) {
        text += as_json ? std::string(line) + "\n" : line_for_person(letter);
        if (text.size() >= kPrintedAtOnce) {
            print_answer(text);
            text.clear();
        }
    });
    print_answer(text);
    Complaints complaints;
    complaints.add_unreadable(file, unreadable);
    return complaints.answer();
}

ExitCode drop(const DeadLetterFile& file, const std::set<std::uint64_t>& ids) {
    std::set<std::uint64_t> found;
    const auto unreadable =
        file.visit([&](const DeadLetter& letter, std::string_view) { found.insert(letter.id); });
    require_all(ids, found, file);
    const std::size_t dropped = file.remove_if([&](const DeadLetter& letter, std::string_view) {
        return ids.empty() || ids.contains(letter.id);
    });
    print_answer("dropped=" + std::to_string(dropped) + "\n");
    Complaints complaints;
    if (ids.empty()) {
        complaints.add_unreadable(file, unreadable);
    }
    return complaints.answer();
}

// A letter that is retried: which one, and what is sent.
struct Retry {
    std::uint64_t id;
    std::string line;
    std::string payload;
};

class RetrySource : public PayloadSource {
  public:
    explicit RetrySource(const std::vector<Retry>& retries) : retries_(retries) {}

    bool fill(std::string& block) override {
        while (next_ < retries_.size() && block.size() < kBlockBytes) {
            block += retries_[next_++].payload;
            block += '\n';
        }
        return next_ < retries_.size();
    }
    int fd() const override { return -1; }
    std::uint64_t total() const override { return retries_.size(); }
    void refused(std::uint64_t number) override { refused_.insert(number); }

    // The lines of the first so many that were not refused.
    std::unordered_set<std::string_view> lines_of(std::uint64_t accepted) const {
        std::unordered_set<std::string_view> lines;
        for (std::size_t index = 0; index < retries_.size() && accepted > 0; ++index) {
            if (!refused_.contains(index + 1)) {
                lines.insert(retries_[index].line);
                --accepted;
            }
        }
        return lines;
    }
    std::set<std::uint64_t> refused_ids() const {
        std::set<std::uint64_t> ids;
        for (const std::uint64_t number : refused_) {
            if (number >= 1 && number <= retries_.size()) {
                ids.insert(retries_[number - 1].id);
            }
        }
        return ids;
    }

  private:
    static constexpr std::size_t kBlockBytes = 256 * 1024;

    const std::vector<Retry>& retries_;
    std::size_t next_ = 0;
    std::set<std::uint64_t> refused_;
};

// The letters to be retried, and what is known of the others.
struct Selection {
    std::vector<Retry> retries;
    std::set<std::uint64_t> with_newline;
    std::vector<std::size_t> unreadable;
};

Selection select(const DeadLetterFile& file, const std::set<std::uint64_t>& ids) {
    Selection selection;
    std::set<std::uint64_t> found;
    selection.unreadable = file.visit([&](const DeadLetter& letter, std::string_view line) {
        if (!ids.empty() && !ids.contains(letter.id)) {
            return;
        }
        found.insert(letter.id);
        if (letter.payload.find('\n') != std::string::npos) {
            selection.with_newline.insert(letter.id);
        } else {
            selection.retries.push_back({letter.id, std::string(line), letter.payload});
        }
    });
    require_all(ids, found, file);
    return selection;
}

void print_retried(std::uint64_t count, Complaints& complaints) {
    const std::string text = "retried=" + std::to_string(count);
    try {
        print_answer(text + "\n");
    } catch (const Failure& failure) {
        complaints.add(failure.code(), text + ": " + failure.what());
    }
}

// An event that is in the pipeline is taken out of the file, and not before.
void remove_accepted(const DeadLetterFile& file, const RetrySource& source, std::uint64_t accepted,
                     Complaints& complaints) {
    const std::unordered_set<std::string_view> lines = source.lines_of(accepted);
    if (lines.empty()) {
        return;
    }
    const std::string are_in_both = "the events are in the pipeline and still in the file: ";
    try {
        file.remove_if(
            [&](const DeadLetter&, std::string_view line) { return lines.contains(line); });
    } catch (const Failure& failure) {
        complaints.add(failure.code(), are_in_both + failure.what());
    } catch (const std::system_error& error) {
        complaints.add(ExitCode::io, are_in_both + error.what());
    }
}

ExitCode retry(const DeadLetterFile& file, const std::set<std::uint64_t>& ids,
               const Address& address, Descriptor signals) {
    constexpr auto kNever = Enqueue::Clock::time_point::max();
    const Selection selection = select(file, ids);
    if (!selection.retries.empty()) {
        file.require_removable();
    }
    RetrySource source(selection.retries);
    Descriptor connection = connect_to_intake(address, signals, kNever);
    const Enqueue::Result result =
        Enqueue(std::move(connection), std::move(signals), source, kNever).run();
    Complaints complaints;
    remove_accepted(file, source, result.accepted, complaints);
    print_retried(result.accepted, complaints);
    const std::set<std::uint64_t> refused = source.refused_ids();
    if (result.code != ExitCode::done && result.code != ExitCode::usage) {
        complaints.add(result.code, result.complaint);
    }
    if (!refused.empty()) {
        complaints.add(ExitCode::io, "too large for the pipeline's buffer is event " +
                                         listed(refused) + ", which stays in " +
                                         file.path().string());
    }
    if (!selection.with_newline.empty()) {
        complaints.add(ExitCode::io,
                       "a newline, which the pipeline's socket does not take, is in "
                       "event " +
                           listed(selection.with_newline) + ", which stays in " +
                           file.path().string());
    }
    if (ids.empty()) {
        complaints.add_unreadable(file, selection.unreadable);
    }
    return complaints.answer();
}

}  // namespace

DeadCommand parse_dead_command(const std::vector<std::string>& words, bool has_json, bool has_all) {
    using enum DeadCommand::Verb;
    DeadCommand command{parse_verb(words), has_json, {}};
    for (std::size_t index = 1; index < words.size(); ++index) {
        command.ids.insert(parse_id(words[index]));
    }
    const auto refuse = [](const std::string& why) { throw Failure(ExitCode::usage, why); };
    if (has_json && command.verb != list) {
        refuse("--json has a meaning for 'dead list' alone");
    }
    if (has_all && command.verb != drop) {
        refuse("--all has a meaning for 'dead drop' alone");
    }
    if (command.verb == list && !command.ids.empty()) {
        refuse("dead list: '" + words[1] + "' is one word too many");
    }
    if (command.verb == drop && has_all == !command.ids.empty()) {
        refuse(has_all ? "dead drop: --all or IDs, not both" : "dead drop: which? IDs, or --all");
    }
    return command;
}

ExitCode run_dead_command(const DeadCommand& command, const std::filesystem::path& path,
                          const Address& address, Descriptor signals) {
    const DeadLetterFile file(path);
    switch (command.verb) {
        case DeadCommand::Verb::list:
            return list(file, command.as_json);
        case DeadCommand::Verb::retry:
            return retry(file, command.ids, where_it_runs(address), std::move(signals));
        case DeadCommand::Verb::drop:
            return drop(file, command.ids);
    }
    return ExitCode::software;
}

}  // namespace drainpipe
