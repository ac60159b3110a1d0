#include "socket_sender.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "harness/record_log.hpp"

namespace soak {

using harness::SocketClient;
using namespace std::chrono_literals;

SocketSender::SocketSender(std::filesystem::path socket, Order order)
    : socket_(std::move(socket)), order_(std::move(order)) {
    begin_prefix();
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void SocketSender::begin_prefix() {
    current_ = {order_.name + "." + std::to_string(++prefixes_) + "-", order_.padding, 0, 0, true};
}

void SocketSender::run(const std::stop_token& stop) {
    const auto has_left = [this] { return leaves_early() && !receipts_.empty(); };
    while (!stop.stop_requested() && current_.known < limit() && !has_left() && fault_.empty()) {
        std::optional<SocketClient> client;
        try {
            client.emplace(socket_);
        } catch (const std::system_error&) {
            harness::let_pass(5ms);  // nobody is there yet
            continue;
        }
        converse(*client, stop);
    }
    if (current_.sent > 0) receipts_.push_back(current_);
    is_done_ = true;
}

void SocketSender::converse(SocketClient& client, const std::stop_token& stop) {
    const auto before = current_.known;
    const bool is_all_sent = send_all(client, stop);
    if (leaves_early()) {
        client.await_answer("closed ", 0ms);
        const auto answers = client.answers(0ms);
        conclude(answers.empty() ? "" : answers.back(), before);
        return;
    }
    if (is_all_sent) client.finish_sending();
    conclude(hear_out(client, stop), before);
}

bool SocketSender::send_all(SocketClient& client, const std::stop_token& stop) {
    const auto last = leaves_early() ? std::min(order_.leaves_after, limit()) : limit();
    auto next = current_.known + 1;
    std::string text;
    std::string_view rest;
    while (!stop.stop_requested()) {
        if (rest.empty()) {
            if (next > last) return true;
            const auto end = std::min(last, next + order_.burst - 1);
            rest = text = payloads_of(current_, next, end);
            current_.sent = std::max(current_.sent, end);
            next = end + 1;
            if (order_.pause > 0us) harness::let_pass(order_.pause);
        }
        std::size_t size = 0;
        try {
            size = client.send_some(rest);
        } catch (const std::system_error&) {
            return false;
        }
        rest.remove_prefix(size);
        if (client.await_answer("closed ", size == 0 ? 1ms : 0ms)) return false;
    }
    return false;
}

// The last answer line. A wait that comes back early means that the other side has hung up.
std::string SocketSender::hear_out(SocketClient& client, const std::stop_token& stop) const {
    constexpr auto kSpell = 50ms;
    std::optional<harness::Stopwatch> farewell;
    while (true) {
        const harness::Stopwatch spell;
        const auto answers = client.answers(kSpell);
        const bool has_hung_up = spell.elapsed() < kSpell / 2;
        if (has_hung_up || (farewell && farewell->elapsed() > 1s)) {
            return answers.empty() ? "" : answers.back();
        }
        if (stop.stop_requested() && !farewell) farewell.emplace();
    }
}

void SocketSender::conclude(const std::string& last_answer, std::uint64_t before) {
    const auto accepted = harness::number_of(last_answer, "accepted").value_or(0);
    current_.known = before + accepted;
    const auto reason = harness::value_of(last_answer, "reason").value_or("");
    if (current_.known > current_.sent || (reason == "end" && current_.known != current_.sent)) {
        fault_ = "client " + current_.prefix + " sent its events " + std::to_string(before + 1) +
                 " to " + std::to_string(current_.sent) + " and was told '" + last_answer + "'";
    }
    if (!last_answer.starts_with("closed ")) {
        current_.is_exact = false;
        settled_ += current_.known;
        receipts_.push_back(current_);
        begin_prefix();
    }
}

}  // namespace soak
