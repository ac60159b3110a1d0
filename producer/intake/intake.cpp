#include "intake.hpp"

#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include "failure.hpp"
#include "time_left.hpp"

namespace drainpipe {
namespace {

// Clients that are accepted in a row: connecting is faster than accepting, and the others wait.
constexpr int kMaxAccepts = 64;
// Descriptors that are not for clients: the log has to be opened again at any time.
constexpr rlim_t kOwnDescriptors = 32;
// Milliseconds until a client is accepted again that there were no descriptors for.
constexpr int kBetweenAccepts = 100;

// A client may keep what it was read of: the more clients, the less they are read at a time.
constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kMinReadBytes = 4 * 1024;
constexpr std::size_t kReadBytesOfAll = 16 * 1024 * 1024;
constexpr std::chrono::milliseconds kFarewell{200};

void control(int epoll, int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(epoll, operation, fd, &event) != 0) {
        throw_errno("cannot watch a descriptor");
    }
}

std::size_t most_clients() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return std::max<rlim_t>(limit.rlim_cur, kOwnDescriptors + 1) - kOwnDescriptors;
}

std::optional<gid_t> group_of(const Settings& settings) {
    return settings.socket_group < 0 ? std::nullopt
                                     : std::optional(static_cast<gid_t>(settings.socket_group));
}

}  // namespace

Intake::Intake(Stage& stage)
    : stage_(stage),
      writer_(stage.segment()),
      listener_(stage.address().socket_path(), stage.segment().header().settings.socket_mode,
                group_of(stage.segment().header().settings)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      most_clients_(most_clients()),
      scratch_(kReadBytes) {
    if (!epoll_.is_open()) {
        throw_errno("cannot make an epoll descriptor");
    }
    control(epoll_.get(), EPOLL_CTL_ADD, stage_.wake_fd(), EPOLLIN);
    control(epoll_.get(), EPOLL_CTL_ADD, listener_.fd(), 0);
    listen(true);
    stage_.listen(stage.segment().header().room_available);
}

void Intake::run() {
    stage_.report_ready();
    while (!is_over()) {
        wait_and_serve();
    }
    const bool only_this_stage_leaves = !is_closed_ && !stage_.launcher_is_gone() &&
                                        stage_.segment().header().phase.load() == Phase::running;
    if (only_this_stage_leaves) {
        tell_all(wire::Reason::leaving);
    } else {
        close_intake();
        tell_all(wire::Reason::shutdown);
    }
    stage_.leave();
}

bool Intake::is_over() const {
    return is_closed_ || stage_.should_leave() || stage_.launcher_is_gone();
}

void Intake::wait_and_serve() {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   milliseconds_to_wait());
    end_stalled_turn();
    listen(true);
    for (int index = 0; index < count && !is_over(); ++index) {
        const epoll_event& event = events[static_cast<std::size_t>(index)];
        if (event.data.fd == listener_.fd()) {
            accept_clients();
        } else if (const auto found = clients_.find(event.data.fd); found != clients_.end()) {
            serve(*found->second, event.events);
        }
    }
}

void Intake::accept_clients() {
    for (int accepts = 0; accepts < kMaxAccepts; ++accepts) {
        bool is_out_of_room = clients_.size() >= most_clients_;
        Descriptor socket = is_out_of_room ? Descriptor() : listener_.accept(is_out_of_room);
        if (is_out_of_room) {
            listen(false);
        }
        if (!socket.is_open()) {
            return;
        }
        auto client = std::make_unique<Client>(std::move(socket), writer_.largest_payload());
        watch(*client);
        clients_.emplace(client->fd(), std::move(client));
    }
}

void Intake::serve(Client& client, std::uint32_t events) {
    client.flush();
    if (client.may_be_read() && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        lines_.clear();
        switch (client.read(std::span(scratch_).first(most_to_read()), lines_)) {
            case Client::Input::lines:
                take_in(client);
                client.release();
                client.acknowledge();
                break;
            case Client::Input::nothing:
                break;
            case Client::Input::end:
                client.close(wire::Reason::end);
                break;
        }
        if (Client* const let_go = large_turn_.after_read(client, LargeTurn::Clock::now())) {
            watch(*let_go);
        }
        client.flush();
    }
    if (client.is_closed() && !client.has_unsent()) {
        remove(client);
    } else {
        watch(client);
    }
}

void Intake::take_in(Client& client) {
    payloads_.clear();
    for (const wire::LineSplitter::Line& line : lines_) {
        const std::uint64_t event = client.count_payload();
        if (line.is_too_long) {
            client.refuse(event, line.bytes, writer_.largest_payload());
        } else {
            payloads_.push_back(line.payload);
        }
    }
    push(client);
}

void Intake::push(Client& client) {
    std::span<const std::string_view> rest(payloads_);
    while (!rest.empty()) {
        const RingWriter::Pushed pushed = writer_.push(rest);
        client.count_accepted(pushed.count);
        rest = rest.subspan(pushed.count);
        if (pushed.outcome == RingWriter::Outcome::intake_closed) {
            is_closed_ = true;
            return;
        }
        if (pushed.outcome == RingWriter::Outcome::full) {
            client.acknowledge();
            client.flush();
            wait_for_room(rest.front().size());
            if (is_over()) {
                return;
            }
        }
    }
}

void Intake::wait_for_room(std::size_t payload_bytes) {
    writer_.wait_for_room(payload_bytes, [this] {
        say_who_holds_up();
        return is_over();
    });
    stall_.end();
    large_turn_.begin_anew(LargeTurn::Clock::now());
}

void Intake::say_who_holds_up() {
    const auto stalled = stall_.look(stage_.segment().header().head.load(), Stall::Clock::now());
    if (!stalled) {
        return;
    }
    const RingWriter::Oldest oldest = writer_.oldest();
    const std::string line =
        fmt::format("ring full for={:.0f}s oldest_event={} held_by={}",
                    std::chrono::duration<double>(*stalled).count(), oldest.event + 1,
                    oldest.consumer ? stage_.describe_consumer(*oldest.consumer) : "nobody");
    stage_.log().warn("{}", line);
    write_if_ready(STDERR_FILENO, "producer: " + line + "\n");
}

void Intake::watch(Client& client) {
    const std::optional<std::uint32_t> before = client.watched;
    client.watched = (client.may_be_read() ? EPOLLIN : 0u) | (client.has_unsent() ? EPOLLOUT : 0u);
    if (client.is_held()) {
        client.watched.reset();
    }
    if (client.watched != before) {
        control(epoll_.get(),
                !before           ? EPOLL_CTL_ADD
                : !client.watched ? EPOLL_CTL_DEL
                                  : EPOLL_CTL_MOD,
                client.fd(), client.watched.value_or(0));
    }
}

void Intake::remove(const Client& client) {
    Client* const let_go = large_turn_.forget(client, LargeTurn::Clock::now());
    clients_.erase(client.fd());
    if (let_go) {
        watch(*let_go);
    }
    listen(true);
}

void Intake::end_stalled_turn() {
    if (large_turn_.has_waiting() && LargeTurn::Clock::now() >= large_turn_.deadline()) {
        Client& stalled = *large_turn_.holder();
        stalled.close(wire::Reason::stalled);
        stalled.flush();
        remove(stalled);
    }
}

int Intake::milliseconds_to_wait() const {
    if (!is_listening_) {
        return kBetweenAccepts;
    }
    if (!large_turn_.has_waiting()) {
        return -1;
    }
    return milliseconds_until(large_turn_.deadline());
}

std::size_t Intake::most_to_read() const {
    return std::clamp(kReadBytesOfAll / std::max<std::size_t>(1, clients_.size()), kMinReadBytes,
                      kReadBytes);
}

void Intake::listen(bool on) {
    if (on != is_listening_) {
        control(epoll_.get(), EPOLL_CTL_MOD, listener_.fd(), on ? EPOLLIN : 0u);
        is_listening_ = on;
    }
}

void Intake::close_intake() {
    if (writer_.close_intake()) {
        stage_.log().info("intake closed accepted={}", stage_.account().accepted);
    }
}

void Intake::tell_all(wire::Reason reason) {
    const auto deadline = std::chrono::steady_clock::now() + kFarewell;
    listener_.close_to_new();
    accept_clients();
    while (!clients_.empty()) {
        for (const auto& [fd, client] : clients_) {
            client->close(reason);
            flush_until(*client, deadline);
        }
        clients_.clear();
        accept_clients();  // those who waited for it
    }
}

void Intake::flush_until(Client& client, std::chrono::steady_clock::time_point deadline) {
    client.flush();
    while (client.has_unsent()) {
        pollfd writable{client.fd(), POLLOUT, 0};
        if (::poll(&writable, 1, milliseconds_until(deadline)) <= 0) {
            return;
        }
        client.flush();
    }
}

}  // namespace drainpipe
