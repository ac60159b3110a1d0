#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <type_traits>

namespace drainpipe {

// The most that the type of an event may be aligned to: what operator new aligns to.
inline constexpr std::size_t kMaxAlignment = 16;

// Whether T is a pointer in disguise, as std::span and std::reference_wrapper are.
template <typename T, typename = void>
inline constexpr bool kRefers = false;
template <typename T>
inline constexpr bool kRefers<T, std::void_t<typename T::element_type>> = true;
template <typename T>
inline constexpr bool kRefers<std::reference_wrapper<T>, void> = true;

// Whether values of T can be events: their bytes are all that there is to them. Pointers are not:
// what they point to stays behind.
template <typename T>
inline constexpr bool kCanBeEvent =
    std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && !std::is_member_pointer_v<T> &&
    !kRefers<T> && alignof(T) <= kMaxAlignment;

// An accepted event, as a handler gets it. It owns nothing: the payload is read where it lies in
// shared memory, and stays there until its outcome is told. To copy an event copies no payload.
// Any thread may read it.
class Event {
  public:
    // For tests of handlers; `payload`, `run` and `attributes` outlive the event. A payload that is
    // to be read as a T has to be aligned as one.
    Event(std::uint64_t id, std::uint32_t attempt, std::string_view payload,
          std::string_view run = {}, std::string_view attributes = {})
        : id_(id), attempt_(attempt), payload_(payload), run_(run), attributes_(attributes) {}

    // Its place in the order of acceptance, from 1.
    std::uint64_t id() const { return id_; }

    // Which attempt this is: 1, and one more for each that failed or whose process died. From the
    // second one on the work may have been done before, in part or as a whole.
    std::uint32_t attempt() const { return attempt_; }

    // What tells the run's segment from all others, in sixteen hexadecimal digits; kept over
    // restarts. `run` and `id` together name an event for good: that is what to recognise repeats
    // by.
    std::string_view run() const { return run_; }

    std::string_view payload() const { return payload_; }

    // What the event's source (--source) has said of it besides its payload: "NAME=value", each
    // with a zero byte after it; as of nats:// NATS_SUBJECT and NATS_SEQUENCE. Else empty.
    std::string_view attributes() const { return attributes_; }
    // The value of one of them; empty where there is no such one.
    std::string_view attribute(std::string_view name) const {
        for (std::string_view left = attributes_; !left.empty();) {
            const std::string_view one = left.substr(0, left.find('\0'));
            if (one.size() > name.size() && one[name.size()] == '=' &&
                one.substr(0, name.size()) == name) {
                return one.substr(name.size() + 1);
            }
            left.remove_prefix(one.size() < left.size() ? one.size() + 1 : left.size());
        }
        return {};
    }

    // The payload as the struct that a producer has pushed, in place. Throws std::invalid_argument,
    // with both sizes, where the payload has another size than T; and where it is not aligned as T
    // is, which can only be in a pipeline without --consumer or --producer, or for events that such
    // a one has left.
    template <typename T>
    const T& as() const {
        static_assert(kCanBeEvent<T>,
                      "an event is read as a trivially copyable type, no pointer, that is aligned "
                      "to 16 bytes or less");
        if (payload_.size() != sizeof(T) ||
            reinterpret_cast<std::uintptr_t>(payload_.data()) % alignof(T) != 0) {
            throw_not_as(sizeof(T), alignof(T));
        }
        return *reinterpret_cast<const T*>(payload_.data());
    }

  private:
    [[noreturn, gnu::visibility("default")]] void throw_not_as(std::size_t size,
                                                               std::size_t alignment) const;

    std::uint64_t id_;
    std::uint32_t attempt_;
    std::string_view payload_;
    std::string_view run_;
    std::string_view attributes_;
};

}  // namespace drainpipe
