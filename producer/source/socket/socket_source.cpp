#include "socket_source.hpp"

#include <poll.h>
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
#include "poll.hpp"

namespace drainpipe {
namespace {

// Clients that are accepted in a row: connecting is faster than accepting, and the others wait.
constexpr int kMaxAccepts = 64;
// Descriptors that are not for clients: the log has to be opened again at any time.
constexpr rlim_t kOwnDescriptors = 32;
// Until a client is accepted again that there were no descriptors for.
constexpr std::chrono::milliseconds kBetweenAccepts{100};

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

}  // namespace

SocketSource::SocketSource(Options options)
    : listener_(options.shared.is_open() ? Listener(std::move(options.shared))
                                         : Listener(options.path, options.mode, options.group)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      most_clients_(most_clients()),
      largest_payload_(options.largest_payload),
      scratch_(kReadBytes) {
    if (!epoll_.is_open()) {
        throw_errno("cannot make an epoll descriptor");
    }
    control(epoll_.get(), EPOLL_CTL_ADD, listener_.fd(), 0);
    listen(true);
}

void SocketSource::serve(Acceptor& acceptor) {
    large_turn_.leave_out_frozen_time(LargeTurn::Clock::now());
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    listen(true);
    for (int index = 0; index < count && !acceptor.is_over(); ++index) {
        const epoll_event& event = events[static_cast<std::size_t>(index)];
        if (event.data.fd == listener_.fd()) {
            accept_clients();
        } else if (const auto found = clients_.find(event.data.fd); found != clients_.end()) {
            serve_client(*found->second, event.events, acceptor);
        }
    }
    end_stalled_turn();  // what has come from it by now was read
}

void SocketSource::accept_clients() {
    for (int accepts = 0; accepts < kMaxAccepts; ++accepts) {
        bool is_out_of_room = clients_.size() >= most_clients_;
        Descriptor socket = is_out_of_room ? Descriptor() : listener_.accept(is_out_of_room);
        if (is_out_of_room) {
            listen(false);
        }
        if (!socket.is_open()) {
            return;
        }
        auto client = std::make_unique<Client>(std::move(socket), largest_payload_);
        watch(*client);
        clients_.emplace(client->fd(), std::move(client));
    }
}

void SocketSource::serve_client(Client& client, std::uint32_t events, Acceptor& acceptor) {
    client.flush();
    if (client.may_be_read() && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        lines_.clear();
        switch (client.read(std::span(scratch_).first(most_to_read()), lines_)) {
            case Client::Input::lines:
                take_in(client, acceptor);
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

void SocketSource::take_in(Client& client, Acceptor& acceptor) {
    client_ = &client;
    was_full_ = false;
    payloads_.clear();
    for (const wire::LineSplitter::Line& line : lines_) {
        const std::uint64_t event = client.count_payload();
        if (!line.is_too_long) {
            payloads_.push_back(line.payload);
        } else if (accept_payloads(acceptor)) {
            client.refuse(event, line.bytes, largest_payload_);
        } else {
            break;
        }
    }
    accept_payloads(acceptor);
    client_ = nullptr;
    if (was_full_) {
        large_turn_.begin_anew(LargeTurn::Clock::now());
    }
}

bool SocketSource::accept_payloads(Acceptor& acceptor) {
    accepted_ = 0;
    count_accepted(acceptor.accept(payloads_));
    const bool are_all_in = accepted_ == payloads_.size();
    payloads_.clear();
    return are_all_in;
}

void SocketSource::count_accepted(std::size_t accepted) {
    client_->count_accepted(accepted - accepted_);
    accepted_ = accepted;
}

void SocketSource::on_full(std::size_t accepted) {
    count_accepted(accepted);
    client_->acknowledge();
    client_->flush();
    was_full_ = true;
}

void SocketSource::watch(Client& client) {
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

void SocketSource::remove(const Client& client) {
    Client* const let_go = large_turn_.forget(client, LargeTurn::Clock::now());
    clients_.erase(client.fd());
    if (let_go) {
        watch(*let_go);
    }
    listen(true);
}

void SocketSource::end_stalled_turn() {
    if (large_turn_.has_waiting() && LargeTurn::Clock::now() >= large_turn_.deadline()) {
        Client& stalled = *large_turn_.holder();
        stalled.close(wire::Reason::stalled);
        stalled.flush();
        remove(stalled);
    }
}

std::optional<std::chrono::steady_clock::time_point> SocketSource::next_time() const {
    if (!is_listening_) {
        return listen_again_;
    }
    if (large_turn_.has_waiting()) {
        return large_turn_.deadline();
    }
    return std::nullopt;
}

std::size_t SocketSource::most_to_read() const {
    return std::clamp(kReadBytesOfAll / std::max<std::size_t>(1, clients_.size()), kMinReadBytes,
                      kReadBytes);
}

void SocketSource::listen(bool on) {
    if (on != is_listening_) {
        control(epoll_.get(), EPOLL_CTL_MOD, listener_.fd(), on ? EPOLLIN : 0u);
        is_listening_ = on;
        listen_again_ = std::chrono::steady_clock::now() + kBetweenAccepts;
    }
}

void SocketSource::end(Ending ending) {
    const wire::Reason reason =
        ending == Ending::leaving ? wire::Reason::leaving : wire::Reason::shutdown;
    const auto deadline = std::chrono::steady_clock::now() + kFarewell;
    listener_.close_to_new();
    accept_last_clients();
    while (!clients_.empty()) {
        for (const auto& [fd, client] : clients_) {
            client->close(reason);
            flush_until(*client, deadline);
        }
        clients_.clear();
        accept_last_clients();  // those who waited for it
    }
}

void SocketSource::accept_last_clients() {
    if (!listener_.is_shared()) {
        accept_clients();
    }
}

void SocketSource::flush_until(Client& client, std::chrono::steady_clock::time_point deadline) {
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
