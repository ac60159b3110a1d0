#include "crowd.hpp"

#include <signal.h>

#include <algorithm>

#include "fault.hpp"
#include "harness/await.hpp"

namespace soak {

using namespace std::chrono_literals;

Crowd::Crowd(Room& room, const Plan& plan, Dice& dice, Story& story)
    : room_(room), dice_(dice), story_(story), events_left_(plan.events) {}

Crowd::~Crowd() {
    for (auto& sender : socket_senders_) sender.dismiss();
}

void Crowd::let_come() {
    if (events_left_ == 0) return;
    const auto events =
        dice_.between<std::uint64_t>((events_left_ + 5) / 6, (events_left_ + 1) / 2);
    events_left_ -= events;
    ++clients_;
    if (dice_.chance(50)) {
        add_enqueue(events);
    } else {
        add_socket_sender(events);
    }
}

std::size_t Crowd::draw_padding() {
    return dice_.chance(70) ? 0 : dice_.pick<std::size_t>({1, 50, 60, 300});
}

void Crowd::add_enqueue(std::uint64_t events) {
    const bool is_first = enqueues_.empty();
    const auto prefix = is_first ? std::string() : "e" + std::to_string(clients_) + "-";
    const auto padding = is_first ? 0 : draw_padding();
    const auto& sender = enqueues_.emplace_back(room_, prefix, padding, events);
    story_.tell("enqueue '" + prefix + "' pid=" + std::to_string(sender.pid()) + " sends " +
                std::to_string(events) + " events, padding " + std::to_string(padding));
}

void Crowd::add_socket_sender(std::uint64_t events) {
    const SocketSender::Order order{
        .name = "s" + std::to_string(clients_),
        .events = events,
        .padding = draw_padding(),
        .burst = dice_.pick<std::uint64_t>({1, 10, 100, 1000, 1000}),
        .pause = dice_.chance(30) ? 0us : dice_.moment(10ms),
        .leaves_after = dice_.chance(15) ? dice_.between<std::uint64_t>(1, events) : 0};
    socket_senders_.emplace_back(room_.socket(), order);
    story_.tell("client '" + order.name + "' sends " + std::to_string(events) +
                " events, padding " + std::to_string(order.padding) + ", bursts of " +
                std::to_string(order.burst) + ", pauses of " + std::to_string(order.pause.count()) +
                "us, leaves after " + std::to_string(order.leaves_after));
}

bool Crowd::strike(int signal) {
    for (auto& sender : enqueues_) {
        if (sender.is_done()) continue;
        story_.tell(signal_name(signal) + " to enqueue '" + sender.name() +
                    "' pid=" + std::to_string(sender.pid()));
        sender.send(signal);
        return true;
    }
    return false;
}

bool Crowd::is_done() {
    return std::ranges::all_of(enqueues_, [](auto& sender) { return sender.is_done(); }) &&
           std::ranges::all_of(socket_senders_, [](auto& sender) { return sender.is_done(); });
}

std::vector<Receipt> Crowd::dismiss() {
    for (auto& sender : socket_senders_) sender.dismiss();
    if (!harness::await([this] { return is_done(); }, 5s)) {
        throw Fault("hang: a client goes on 5 s after the pipeline is gone");
    }
    std::vector<Receipt> receipts;
    for (auto& sender : enqueues_) receipts.push_back(sender.receipt());
    for (const auto& sender : socket_senders_) {
        if (!sender.fault().empty()) throw Fault(sender.fault());
        receipts.insert(receipts.end(), sender.receipts().begin(), sender.receipts().end());
    }
    for (const auto& receipt : receipts) {
        story_.tell("client '" + receipt.prefix + "' knows of " + std::to_string(receipt.known) +
                    (receipt.is_exact ? " exactly" : " at least") + " of " +
                    std::to_string(receipt.sent));
    }
    return receipts;
}

}  // namespace soak
