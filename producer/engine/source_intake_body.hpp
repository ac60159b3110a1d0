#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drainpipe/source.hpp"
#include "segment.hpp"
#include "settlement.hpp"
#include "source.hpp"

namespace drainpipe {

// What a SourceIntake of the public library leads to: the intake on the one hand, and what becomes
// of events on the other. Any thread may call.
class SourceIntakeBody {
  public:
    struct Host {
        Endpoint endpoint;
        std::function<bool(const SourceIntakeBody&)> is_over;  // see SourceIntake::is_over()
        std::function<bool()> is_giving_back;
        std::function<void(const std::string&)> info;
        std::function<void(const std::string&)> warn;
        std::function<void(int, const std::string&)> refuse;
        int closing_fd;
    };

    // The segment is tracked, and it and the acceptor outlive this object.
    SourceIntakeBody(Segment& segment, Source::Acceptor& acceptor, Host host);

    const Host& host() const { return host_; }
    bool is_closing() const { return acceptor_.is_over(); }
    bool is_over() const { return host_.is_over(*this); }
    // Whether any event has a fate and is not settled.
    bool has_to_settle() const;

    SourceIntake::Room room() const;
    std::size_t largest() const;
    std::size_t push(const std::vector<Message>& messages);
    SourceIntake::Known find(std::uint64_t key) const;

    std::vector<HeldEvent> held() const;
    std::vector<HeldEvent> wait_for_fates(SourceIntake::Clock::time_point until);
    void settle(const std::vector<std::uint64_t>& ids);
    void set_lease(SourceIntake::LeaseTime until);
    SourceIntake::LeaseTime lease() const;
    void withdraw(const std::vector<std::uint64_t>& ids);

    void report(const SourceIntake::State& state);
    bool has_been_connected() const;

  private:
    // What a wait_for_fates() returns for besides fates.
    struct Standing {
        bool is_closing;
        bool is_giving_back;
        bool is_over;
        bool operator==(const Standing&) const = default;
    };

    Standing standing() const { return {is_closing(), host_.is_giving_back(), is_over()}; }
    // Puts each message and its trailer together, side by side.
    void assemble(const std::vector<Message>& messages);
    HeldEvent held_event(std::uint64_t event, std::optional<Settlement::Fate> fate) const;
    std::vector<HeldEvent> take_fates();

    Segment& segment_;
    Source::Acceptor& acceptor_;
    Host host_;
    std::mutex pushing_;
    std::string pieces_;  // while they are pushed
    std::vector<std::string_view> views_;
    mutable std::mutex settling_;  // of settlement_
    Settlement settlement_;
    std::optional<Standing> told_;  // the standing that wait_for_fates() has returned for
};

}  // namespace drainpipe
