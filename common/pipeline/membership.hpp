#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "address.hpp"
#include "descriptor.hpp"
#include "gauge.hpp"
#include "role_locks.hpp"
#include "segment.hpp"

namespace drainpipe {

// A process's membership in a running pipeline: its role, the mapped segment, the launcher's life.
// As long as it lives no other process has the role. It is apart from what makes a process a stage
// (its command line, signals, log and end), so that any program can be a member.
class Membership {
  public:
    // Joins the pipeline. A process that was started by hand is refused where the pipeline is
    // shutting down or has no consumer of that number; one that the launcher has started is always
    // let in, if only to leave in order. Throws Failure: taken where the role is held (with the
    // holder's pid) or the pipeline shuts down, unavailable where no such pipeline runs,
    // cannot_create where its segment can't be used.
    Membership(const Address& address, Role role, bool is_by_hand);

    const Address& address() const { return address_; }
    Segment& segment() { return segment_; }

    // A pidfd of the launcher; to be called once.
    Descriptor take_launcher() { return std::move(launcher_); }

    // "producer"; "consumer" where a run begins with one, "consumer.2" where there are several.
    std::string name() const { return name_of(role_); }
    // "consumer.2 pid=123", for a consumer by its number from 0.
    std::string describe_consumer(unsigned number) const;

    // Whether a process has that number, from 0, other than this one.
    bool has_consumer(unsigned number) const;

    std::chrono::microseconds grace() const;
    // The stop's deadline is the grace time from now on.
    void set_deadline();
    // Whether there is time to begin another event before the stop's deadline, if one is known.
    bool may_begin() const;

    // What has become of the run's events so far.
    Account account() const { return account_of(segment_.header(), segment_.states()); }

    // Takes the output that all consumers share; false while another one has it.
    [[nodiscard]] bool try_output() { return role_locks_.take(Role::output); }
    void leave_output() { role_locks_.leave(Role::output); }

    // Gives the role up. Where the launcher is gone and no other stage is left, this calls
    // `tell_account`, on the launcher's behalf, and then removes what no process needs any more.
    void leave(const std::function<void()>& tell_account);

  private:
    std::string name_of(Role role) const;
    void require_wanted() const;
    void clean_up();

    Address address_;
    Role role_;
    RoleLocks role_locks_;
    Descriptor launcher_;
    Segment segment_;
};

}  // namespace drainpipe
