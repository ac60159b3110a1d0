#include "forward_work.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "failure.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;

// The number after "KEY=" in a line of the protocol.
std::optional<std::uint64_t> number_after(std::string_view line, std::string_view key) {
    const auto at = line.find(key);
    std::uint64_t number = 0;
    if (at == std::string_view::npos ||
        std::from_chars(line.data() + at + key.size(), line.data() + line.size(), number).ec !=
            std::errc()) {
        return std::nullopt;
    }
    return number;
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

}  // namespace

ForwardWork::ForwardWork(Options options, std::function<void(const std::string&)> warn)
    : options_(std::move(options)), warn_(std::move(warn)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_.is_open()) {
        throw_errno("cannot make an epoll descriptor");
    }
}

std::size_t ForwardWork::room() const {
    const std::size_t taken = unsent_.size() + sent_.size();
    return socket_.is_open() && taken <= kWindow / 2 ? kWindow - taken : 0;
}

std::size_t ForwardWork::start(std::span<const Event> events) {
    for (const Event& event : events) {
        const bool has_newline = event.payload().find('\n') != std::string_view::npos;
        if (has_newline) {
            unsendable_.push_back(event);
        } else {
            unsent_.push_back(event);
        }
    }
    return events.size();
}

void ForwardWork::advance(Outcomes& outcomes) {
    const Clock::time_point now = Clock::now();
    for (const Event& event : std::exchange(unsendable_, {})) {
        outcomes.dead(event.id(), "payload has a newline: a pipeline takes lines", "");
    }
    if (connect_at_ && now >= *connect_at_) {
        connect(now);
    }
    write();
    read(now, outcomes);
}

void ForwardWork::connect(Clock::time_point now) {
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_un address = address_of(options_.path);
    if (!socket.is_open() ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        disconnect(std::strerror(errno), now);
        return;
    }
    connect_at_.reset();
    socket_ = std::move(socket);
    accepted_ = ended_ = 0;
    wants_to_write_ = false;
    epoll_event event{};
    event.events = EPOLLIN;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket_.get(), &event) != 0) {
        disconnect(std::strerror(errno), now);
        return;
    }
    if (std::exchange(is_told_, false)) {
        warn_("forward: pipeline '" + options_.name + "' takes events again");
    }
}

// What was not confirmed is sent again, in order.
void ForwardWork::disconnect(const std::string& why, Clock::time_point now) {
    if (socket_.is_open()) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket_.get(), nullptr);
        socket_.reset();
    }
    unsent_.insert(unsent_.begin(), sent_.begin(), sent_.end());
    sent_.clear();
    lines_.clear();
    written_ = 0;
    answers_.clear();
    connect_at_ = now + kBetweenTries;
    if (!std::exchange(is_told_, true)) {
        warn_("forward: pipeline '" + options_.name + "' takes no events (" + why +
              "): they wait until it does");
    }
}

void ForwardWork::want_to_write(bool wants) {
    if (wants != wants_to_write_) {
        wants_to_write_ = wants;
        epoll_event event{};
        event.events = wants ? std::uint32_t{EPOLLIN | EPOLLOUT} : std::uint32_t{EPOLLIN};
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket_.get(), &event);
    }
}

void ForwardWork::write() {
    while (socket_.is_open()) {
        while (!unsent_.empty() && lines_.size() < kBlockBytes) {
            lines_.append(unsent_.front().payload()).append(1, '\n');
            sent_.push_back(unsent_.front());
            unsent_.pop_front();
        }
        if (lines_.empty()) {
            want_to_write(false);
            return;
        }
        const ssize_t count =
            ::send(socket_.get(), lines_.data() + written_, lines_.size() - written_, MSG_NOSIGNAL);
        if (count < 0) {
            want_to_write(errno == EAGAIN);
            return;  // of a connection that broke, what it said is read first
        }
        written_ += static_cast<std::size_t>(count);
        if (written_ == lines_.size()) {
            lines_.clear();
            written_ = 0;
        }
    }
}

void ForwardWork::read(Clock::time_point now, Outcomes& outcomes) {
    while (socket_.is_open()) {
        std::array<char, kBlockBytes> bytes;
        const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (count < 0 && errno == EAGAIN) {
            return;
        }
        if (count <= 0) {
            disconnect(count == 0 ? "it has closed the connection" : std::strerror(errno), now);
            return;
        }
        answers_.append(bytes.data(), static_cast<std::size_t>(count));
        std::string_view left = answers_;
        for (auto newline = left.find('\n'); newline != std::string_view::npos;
             newline = left.find('\n')) {
            take_line(left.substr(0, newline), outcomes);
            left.remove_prefix(newline + 1);
        }
        answers_.erase(0, answers_.size() - left.size());
    }
}

void ForwardWork::take_line(std::string_view line, Outcomes& outcomes) {
    if (line.starts_with("refused ")) {
        take_refused(line, outcomes);
    } else if (const auto accepted = number_after(line, "accepted=")) {
        take_accepted(*accepted, outcomes);
    }
}

void ForwardWork::take_accepted(std::uint64_t accepted, Outcomes& outcomes) {
    for (; accepted_ < accepted && !sent_.empty(); ++accepted_, ++ended_) {
        outcomes.done(sent_.front().id(), std::nullopt);
        sent_.pop_front();
    }
}

// All before it are in: the refusal comes after them.
void ForwardWork::take_refused(std::string_view line, Outcomes& outcomes) {
    const std::uint64_t number = number_after(line, "event=").value_or(0);
    take_accepted(accepted_ + (number > ended_ ? number - ended_ - 1 : 0), outcomes);
    if (!sent_.empty()) {
        outcomes.dead(sent_.front().id(),
                      "pipeline '" + options_.name + "' can't hold it: its buffer takes " +
                          std::to_string(number_after(line, "limit=").value_or(0)) + " bytes",
                      "");
        sent_.pop_front();
        ++ended_;
    }
}

std::optional<Work::Clock::time_point> ForwardWork::next_time() const {
    return unsendable_.empty() ? connect_at_ : Clock::time_point{};
}

}  // namespace drainpipe
