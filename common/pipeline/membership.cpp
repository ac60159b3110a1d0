#include "membership.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "failure.hpp"
#include "pidfd.hpp"

namespace drainpipe {
namespace {

RoleLocks take_role(const Address& address, Role role, bool is_by_hand) {
    std::optional<RoleLocks> role_locks = RoleLocks::find(address.lock_path());
    if (!role_locks || !role_locks->holder(Role::launcher)) {
        address.fail_not_running();
    }
    if (is_by_hand) {
        role_locks->require_not_stopping(address.describe());
    }
    if (!role_locks->take(role)) {
        const auto holder = role_locks->holder(role);
        throw Failure(ExitCode::taken, "the role is taken by " +
                                           RoleLocks::describe(holder.value_or(0)) +
                                           " in pipeline '" + address.name() + "'");
    }
    if (!role_locks->is_current()) {
        address.fail_not_running();
    }
    return std::move(*role_locks);
}

// The launcher's life, as the kernel tells it. Looked at again after the opening: a pid may pass
// to another process in between, the role can't.
Descriptor watch_launcher(const Address& address, const RoleLocks& role_locks) {
    const std::optional<pid_t> pid = role_locks.holder(Role::launcher);
    if (!pid) {
        address.fail_not_running();
    }
    if (*pid == 0) {
        throw Failure(
            ExitCode::unavailable,
            "the launcher of " + address.describe() +
                " is in another pid namespace, where it can't be watched: start the stage "
                "there");
    }
    Descriptor launcher = open_pidfd(*pid);
    if (!launcher.is_open() || role_locks.holder(Role::launcher) != pid) {
        address.fail_not_running();
    }
    // From here on the launcher's death is this process's own business.
    ::prctl(PR_SET_PDEATHSIG, 0);
    return launcher;
}

Segment open_segment(const Address& address) {
    try {
        Segment segment = Segment::open(address.name());
        segment.hold_as_stage();
        return segment;
    } catch (const SegmentRefused& refused) {
        throw Failure(ExitCode::cannot_create, refused.what());
    }
}

// From 0; requires a consumer's role.
unsigned number_of(Role role) {
    return static_cast<unsigned>(role) - static_cast<unsigned>(Role::consumer);
}

}  // namespace

Membership::Membership(const Address& address, Role role, bool is_by_hand)
    : address_(address),
      role_(role),
      role_locks_(take_role(address_, role, is_by_hand)),
      launcher_(watch_launcher(address_, role_locks_)),
      segment_(open_segment(address_)) {
    if (is_by_hand) {
        require_wanted();
    }
}

void Membership::require_wanted() const {
    role_locks_.require_not_stopping(address_.describe());
    const std::uint32_t consumers = segment_.header().consumers.load();
    if (role_ >= Role::consumer && number_of(role_) >= consumers) {
        throw Failure(ExitCode::unavailable,
                      "pipeline '" + address_.name() + "' has " + std::to_string(consumers) +
                          " consumers and no number " + std::to_string(number_of(role_) + 1));
    }
}

std::string Membership::name_of(Role role) const {
    if (role < Role::consumer) {
        return "producer";
    }
    const bool is_only = number_of(role) == 0 && segment_.header().settings.consumers == 1;
    return is_only ? "consumer" : "consumer." + std::to_string(number_of(role) + 1);
}

std::string Membership::describe_consumer(unsigned number) const {
    const Role role = consumer_role(number);
    return name_of(role) + " pid=" + std::to_string(role_locks_.holder(role).value_or(0));
}

bool Membership::has_consumer(unsigned number) const {
    // In a lock file that was removed the replacement of that consumer is not to be seen.
    return !role_locks_.is_current() || role_locks_.holder(consumer_role(number)).has_value();
}

std::chrono::microseconds Membership::grace() const {
    return std::chrono::microseconds(segment_.header().settings.grace_microseconds);
}

void Membership::set_deadline() {
    const auto deadline = std::chrono::steady_clock::now().time_since_epoch() + grace();
    segment_.header().stop_deadline.store(std::chrono::nanoseconds(deadline).count());
}

bool Membership::may_begin() const {
    const std::int64_t deadline = segment_.header().stop_deadline.load();
    return deadline == 0 || std::chrono::steady_clock::now().time_since_epoch() + kNothingBegins <
                                std::chrono::nanoseconds(deadline);
}

void Membership::leave(const std::function<void()>& tell_account) {
    if (role_locks_.holder(Role::launcher)) {
        return;
    }
    role_locks_.leave(role_);
    role_locks_.wait_and_take(Role::cleaning);
    // Another stage may have cleaned up since, and a new launcher have begun on a new lock file.
    if (role_locks_.is_current() && !role_locks_.holder(Role::launcher) &&
        !role_locks_.stage_holder()) {
        tell_account();
        clean_up();
    }
    role_locks_.leave(Role::cleaning);
}

void Membership::clean_up() {
    // Only a launcher says that the work on a file is over: it ends with it.
    const bool is_needed = account().left > 0 || !segment_.is_settled() ||
                           file_progress_of(segment_.header()).has_value();
    if (!is_needed && segment_.is_at(address_.name())) {
        Segment::remove(address_.name());
    }
    if (segment_.header().settings.socket != SocketKind::activated) {
        ::unlink(address_.socket_path().c_str());
    }
    ::unlink(address_.control_path().c_str());
    role_locks_.remove_file();
}

}  // namespace drainpipe
