#pragma once

// A source of your own: a program that takes messages from a queue of another engine into a
// pipeline, and acknowledges each there when its event is done. `launcher --source URL` starts the
// program SCHEME_source that lies beside it, and again when it dies.
//
//     int main(int argc, char** argv) {
//         return drainpipe::run_source(argc, argv, [](drainpipe::SourceIntake& intake) {
//             Queue queue(intake.endpoint());
//             ...
//         });
//     }
//
// docs/adapters.md says what a source has to keep. In short: the ring holds an event until the
// source has settled it, so that nothing has to be remembered elsewhere. A source that was killed
// finds with held() what its predecessor had put in, and with find() whether the engine delivers
// something again that the ring holds or has lately done.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drainpipe/endpoint.hpp"

namespace drainpipe {

class SourceIntakeBody;

// What is to be put in. It owns nothing.
struct Message {
    std::string_view payload;
    // What the message is recognised by when it comes again: never that of another message. Not 0.
    std::uint64_t key = 0;
    // What the source needs to acknowledge it, also after a crash of everything here.
    std::string_view token;
    // For the work: "NATS_SEQUENCE=17" and the like, each with a zero byte after it. A command has
    // DRAINPIPE_NATS_SEQUENCE in its environment then. See Event::attribute().
    std::string_view attributes;
    // The engine had delivered it before, to whomever: it is counted as redelivered.
    bool is_redelivered = false;
};

// What has become of an event.
enum class Fate : std::uint8_t {
    done,        // the work on it is done: to be acknowledged
    dead,        // given up, and its dead letter is written: never to be delivered again
    given_back,  // taken out of the ring undone: the engine delivers it again, here or elsewhere
};

// An event that the source has put in and not settled.
struct HeldEvent {
    std::uint64_t id;
    std::uint64_t key;
    std::string token;
    std::optional<Fate> fate;  // none: it waits or is worked on
};

// The ring, as a source sees it. Any thread may call.
class [[gnu::visibility("default")]] SourceIntake {
  public:
    using Clock = std::chrono::steady_clock;
    // Nanoseconds of CLOCK_BOOTTIME, which goes on while the machine sleeps.
    using LeaseTime = std::chrono::nanoseconds;

    explicit SourceIntake(SourceIntakeBody & body) : body_(body) {}
    SourceIntake(const SourceIntake&) = delete;
    SourceIntake& operator=(const SourceIntake&) = delete;

    const Endpoint& endpoint() const;

    // -- Putting in

    // Room for new events, and for their payloads, tokens and attributes together.
    struct Room {
        std::uint64_t events;
        std::uint64_t bytes;
    };
    Room room() const;
    // Bytes of the largest payload, token and attributes together, that is accepted.
    std::size_t largest() const;

    // Accepts the messages, in order, and waits for room where the ring is full. Returns how many
    // are in: all, or the first so many where nothing is accepted any more. Throws
    // std::length_error, with none of them in, where one is larger than largest().
    std::size_t push(const std::vector<Message>& messages);

    // What the ring knows of a message that comes (again).
    enum class Known : std::uint8_t {
        no,       // it is to be put in
        held,     // it is here, and is not settled
        settled,  // it was here lately, and was settled: done or dead
    };
    Known find(std::uint64_t key) const;

    // Nothing is accepted any more: what was fetched and not put in is the engine's still. The
    // source goes on to settle until is_over().
    bool is_closing() const;
    // Readable, as poll() has it, from then on. Not to be read from.
    int closing_fd() const;

    // -- Settling

    // Events that are held: those of earlier processes of this source, too, in the order of ids.
    std::vector<HeldEvent> held() const;

    // Waits until events have got a fate, at most until that time, or until something else has
    // changed (is_closing(), is_giving_back(), is_over()); returns each once. What had a fate
    // before this process began is in the first. By one thread at a time.
    std::vector<HeldEvent> wait_for_fates(Clock::time_point until);

    // The engine knows what became of these: their room is free. Requires a fate for each; in any
    // order.
    void settle(const std::vector<std::uint64_t>& ids);

    // All that is held will be delivered to nobody else before that time, as far as the engine was
    // told: until then events are begun here. From then on none is, until there is another lease.
    void set_lease(LeaseTime until);
    // The lease has run out, and the engine may have delivered these to others: those that are not
    // begun, or wait for a retry, never will be here, and get the fate given_back. What is worked
    // on now gets the fate that it gets. To be called while there is no lease.
    void withdraw(const std::vector<std::uint64_t>& ids);
    // The lease that was set last, by any process of this source; in the past where there is none.
    LeaseTime lease() const;
    static LeaseTime lease_clock();

    // The stop gives back what it can't do in time (--give-back): the source is to withdraw what is
    // held, and to tell the engine of each event that gets the fate given_back.
    bool is_giving_back() const;

    // The function is to return within a second: nothing more will get a fate in this run, or
    // another process takes over.
    bool is_over() const;

    // -- Telling

    // For the views: whether the engine is there, how many messages wait there, and how many were
    // delivered to anybody and not acknowledged.
    struct State {
        bool is_connected = false;
        std::uint64_t pending = 0;
        std::uint64_t ack_pending = 0;
    };
    void report(const State& state);
    // Whether a source of this run was ever connected: what is wrong before that is the user's to
    // mend, and what is wrong later may pass.
    bool has_been_connected() const;

    // In the log; in the log and on standard error.
    void info(const std::string& what);
    void warn(const std::string& what);

    // Ends the pipeline in order, with that exit code (64 for a URL that is none, 69 for what is
    // not there, 73 for what can't be used, 77 for no permission) and one line that says why. Any
    // other code is a death of this program. The function is to return then.
    void refuse(int exit_code, const std::string& why);

  private:
    SourceIntakeBody& body_;
};

using SourceFunction = std::function<void(SourceIntake&)>;

// Joins the pipeline that the command line names and calls the function once, in a thread of its
// own. Returns what main() is to return, as produce() does: 70 where the function has thrown.
[[gnu::visibility("default")]] int run_source(int argc, char** argv,
                                              const SourceFunction& function);

}  // namespace drainpipe
