// A consumer of a user's own, as tests want one. What it does with an event its payload says:
//
//     echo TEXT        done, with TEXT on standard output
//     fail N TEXT      a retry for N attempts, then as echo
//     throw N TEXT     the same with an exception
//     crash N TEXT     the process is killed in N attempts, then as echo
//     slow MS TEXT     as echo, after so long
//     dead TEXT        to the dead letters
//     lose N TEXT      asynchronous: the token goes away unsettled in N attempts, then as echo
//     ANYTHING         as echo ANYTHING
//
// OWN_WAY in the environment: `tokens` settles them from several threads, in no order; `batches`
// takes what comes together, which fails, dies or is done together. OWN_DELAY is the launcher's
// --event-delay for it, in ms or us.

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "drainpipe/consumer.hpp"
#include "settlers.hpp"

namespace {

struct Order {
    std::string verb;
    unsigned long number = 0;
    std::string text;
};

// "fail 2 the text"
Order parse(const std::string& payload) {
    const auto verb_end = payload.find(' ');
    const std::string verb = payload.substr(0, verb_end);
    const std::string rest = verb_end == std::string::npos ? "" : payload.substr(verb_end + 1);
    if (verb == "echo" || verb == "dead") {
        return {verb, 0, rest};
    }
    for (const char* const numbered : {"fail", "throw", "crash", "slow", "lose"}) {
        if (verb == numbered) {
            const auto number_end = rest.find(' ');
            return {verb, std::stoul(rest.substr(0, number_end)),
                    number_end == std::string::npos ? "" : rest.substr(number_end + 1)};
        }
    }
    return {"echo", 0, payload};
}

std::chrono::microseconds delay() {
    const char* const set = std::getenv("OWN_DELAY");
    const std::string text = set == nullptr ? "0us" : set;
    return std::chrono::microseconds(std::stol(text) * (text.find("ms") != text.npos ? 1000 : 1));
}

drainpipe::Outcome work_on(const drainpipe::Event& event) {
    const Order order = parse(std::string(event.payload()));
    const bool is_bad_attempt = event.attempt() <= order.number;
    if (order.verb == "dead") {
        return drainpipe::dead(order.text);
    }
    if (order.verb == "fail" && is_bad_attempt) {
        return drainpipe::retry("as it was told");
    }
    if (order.verb == "throw" && is_bad_attempt) {
        throw std::runtime_error("as it was told");
    }
    if (order.verb == "crash" && is_bad_attempt) {
        ::kill(::getpid(), SIGKILL);
    }
    if (order.verb == "slow") {
        std::this_thread::sleep_for(std::chrono::milliseconds(order.number));
    }
    std::this_thread::sleep_for(delay());
    return drainpipe::done(order.text);
}

void settle(drainpipe::Token token) {
    const Order order = parse(std::string(token.event().payload()));
    if (order.verb == "lose" && token.event().attempt() <= order.number) {
        return;
    }
    try {
        drainpipe::Outcome outcome = work_on(token.event());
        token.settle(std::move(outcome));
    } catch (const std::exception& error) {
        token.settle(drainpipe::retry(error.what()));
    }
}

drainpipe::Outcome work_on_all(const drainpipe::Batch& batch) {
    std::string lines;
    for (const drainpipe::Event& event : batch) {
        const drainpipe::Outcome outcome = work_on(event);
        if (outcome.kind() != drainpipe::Outcome::Kind::done) {
            return outcome;
        }
        lines.append(lines.empty() ? "" : "\n").append(outcome.text());
    }
    return drainpipe::done(lines);
}

}  // namespace

int main(int argc, char** argv) {
    const char* const set = std::getenv("OWN_WAY");
    const std::string way = set == nullptr ? "" : set;
    if (way == "tokens") {
        std::optional<Settlers> settlers;
        return drainpipe::consume_async(argc, argv, [&](drainpipe::Token token) {
            if (!settlers) {
                settlers.emplace(settle);
            }
            settlers->add(std::move(token));
        });
    }
    if (way == "batches") {
        return drainpipe::consume_batches(argc, argv, work_on_all, 100);
    }
    return drainpipe::consume(argc, argv, work_on);
}
