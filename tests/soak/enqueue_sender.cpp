#include "enqueue_sender.hpp"

#include <signal.h>

#include <utility>

#include "fault.hpp"
#include "harness/files.hpp"
#include "harness/record_log.hpp"

namespace soak {

EnqueueSender::EnqueueSender(Room& room, std::string prefix, std::size_t padding,
                             std::uint64_t count)
    : receipt_{std::move(prefix), padding, count, 0, false} {
    const bool is_bare = receipt_.prefix.empty() && padding == 0;
    auto command = room.command("enqueue", {is_bare ? std::to_string(count) : "-"});
    if (!is_bare) {
        command.input = room.new_file("enqueue-input");
        harness::write_text(command.input, payloads_of(receipt_, 1, count));
    }
    command.output = room.new_file("enqueue-output");
    command.errors = room.new_file("enqueue-errors");
    process_.emplace(command);
}

void EnqueueSender::send(int signal) {
    signal_ = signal;
    process_->send(signal);
}

Receipt EnqueueSender::receipt() {
    const int code = process_->wait(std::chrono::milliseconds{0});
    const auto output = process_->output();
    const auto errors = process_->errors();
    const auto said = harness::number_of(output.substr(0, output.find('\n')), "accepted");
    const auto fault = [&](const std::string& what) {
        return Fault("enqueue '" + receipt_.prefix + "' " + what + ": exit " +
                     std::to_string(code) + ", standard output '" + output + "', standard error '" +
                     errors + "'");
    };
    if (signal_ && code == 128 + *signal_ && !said)
        return receipt_;  // killed, or in its very start
    if (!said) throw fault("did not say how many got in");
    receipt_.known = *said;
    // "more may have been accepted", "more may follow"
    const bool is_broken = code == 74 && errors.find("more ") != std::string::npos;
    receipt_.is_exact = !is_broken;
    const bool is_known_code =
        code == 0 || code == 69 || code == 74 || code == 75 || (signal_ && code == 128 + *signal_);
    if (!is_known_code) throw fault("has an exit code without a cause");
    if (code == 0 && *said != receipt_.sent) throw fault("succeeded with less than all");
    if (code == 69 && *said != 0) throw fault("found nobody and got events in");
    if (*said > receipt_.sent) throw fault("got in more than it sent");
    return receipt_;
}

}  // namespace soak
