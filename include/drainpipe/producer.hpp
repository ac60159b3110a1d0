#pragma once

// A producer of your own: a program that puts events into a pipeline without a socket in between.
//
//     int main(int argc, char** argv) {
//         return drainpipe::produce(argc, argv, [](drainpipe::Intake& intake) {
//             for (Reading reading; sensor.read(reading) && !intake.is_closing();) {
//                 intake.push(reading);
//             }
//         });
//     }
//
// `launcher --producer PATH` starts it in the place of its own, again when it dies; with --socket
// clients can enqueue beside it.
//
// What was accepted is never lost, and what was not the producer still has. One that is started
// again, in the same run or in one that takes up what a killed one left, sees from last_id() how
// many events have got in, and goes on there. A stop that leaves nothing begins anew: run() is
// another one then.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "drainpipe/event.hpp"

namespace drainpipe {

class IntakeBody;

// Where events enter. Any thread may call; calls of several threads are accepted in some order, the
// events of one call together.
//
// An event is a payload of bytes (what converts to std::string_view), or a value of a trivially
// copyable type, which a consumer reads in place: see Event::as(). Every call that takes events
// copies them, and throws std::length_error, with nothing of that call accepted, where one is
// larger than the ring's buffer (--buffer-size).
class [[gnu::visibility("default")]] Intake {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Intake(IntakeBody & body) : body_(body) {}
    Intake(const Intake&) = delete;
    Intake& operator=(const Intake&) = delete;

    // Accepts the event, and waits for room where the ring is full. False when nothing is accepted
    // any more.
    template <typename T>
    bool push(const T& event) {
        return push_one(event, kForever) == 1;
    }

    // The same without waiting: false too where there is no room now.
    template <typename T>
    bool try_push(const T& event) {
        return push_one(event, kNever) == 1;
    }

    // Waits until that time at most.
    template <typename T>
    bool push_until(const T& event, Clock::time_point until) {
        return push_one(event, until) == 1;
    }

    // The same for many events, the elements of a container whose elements lie side by side
    // (std::vector, std::array, std::span): far faster for each, for a ring's lock is visited once.
    // Each returns how many are in: all, or the first so many.
    template <typename Many>
    std::size_t push_many(const Many& events) {
        return push_each(events, kForever);
    }
    template <typename Many>
    std::size_t try_push_many(const Many& events) {
        return push_each(events, kNever);
    }
    template <typename Many>
    std::size_t push_many_until(const Many& events, Clock::time_point until) {
        return push_each(events, until);
    }

    // Nothing is accepted any more, or this producer alone is to leave and will be started again:
    // the function is to return, within a second.
    bool is_closing() const;
    // Readable, as poll() has it, from then on: for a producer that waits for something itself. Not
    // to be read from.
    int closing_fd() const;

    // The id of the newest accepted event, whoever pushed it, in this run or an earlier one that
    // has left the segment; 0 where there is none.
    std::uint64_t last_id() const;
    // See Event::run(): where it is another one, ids have begun anew.
    std::string run() const;
    // Bytes of the largest event that is accepted.
    std::size_t largest() const;

  private:
    static constexpr Clock::time_point kForever = Clock::time_point::max();
    static constexpr Clock::time_point kNever = Clock::time_point::min();

    template <typename Many>
    std::size_t push_each(const Many& events, Clock::time_point until) {
        static_assert(!std::is_convertible_v<const Many&, std::string_view>,
                      "that is one event: push() takes it");
        return push_all(std::data(events), std::size(events), until);
    }

    template <typename T>
    std::size_t push_one(const T& event, Clock::time_point until) {
        if constexpr (std::is_convertible_v<const T&, std::string_view>) {
            const std::string_view payload = event;
            return push_payloads(&payload, 1, until);
        } else {
            return push_all(&event, 1, until);
        }
    }

    template <typename T>
    std::size_t push_all(const T* events, std::size_t count, Clock::time_point until) {
        if constexpr (std::is_same_v<T, std::string_view>) {
            return push_payloads(events, count, until);
        } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
            const std::vector<std::string_view> payloads(events, events + count);
            return push_payloads(payloads.data(), count, until);
        } else {
            static_assert(kCanBeEvent<T>,
                          "an event is bytes, or of a trivially copyable type, no pointer, that is "
                          "aligned to 16 bytes or less");
            return push_records(reinterpret_cast<const char*>(events), count, sizeof(T), until);
        }
    }

    std::size_t push_payloads(const std::string_view* payloads, std::size_t count,
                              Clock::time_point until);
    std::size_t push_records(const char* records, std::size_t count, std::size_t record_bytes,
                             Clock::time_point until);

    IntakeBody& body_;
};

using ProducerFunction = std::function<void(Intake&)>;

// Joins the pipeline that the command line names and calls the function once, in a thread of its
// own. Returns, when the intake has closed or this producer is to leave, and the function has
// returned, what main() is to return: as consume() has it, 70 where the function has thrown (the
// launcher starts the producer again then).
//
// A function that returns by itself has no more events: as with --from the pipeline stops when all
// are done, unless there is a --socket. Requires a launcher with --producer, and else what
// consume() requires.
[[gnu::visibility("default")]] int produce(int argc, char** argv, const ProducerFunction& function);

}  // namespace drainpipe
