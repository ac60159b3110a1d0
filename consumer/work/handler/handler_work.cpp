#include "handler_work.hpp"

#include <exception>

#include "copy_bytes.hpp"
#include "outcome_lines.hpp"

namespace drainpipe {

Outcome HandlerWork::handle(Batch events) {
    try {
        Outcome outcome = handler_ ? handler_(events[0]) : batch_handler_(events);
        if (outcome.has_text()) {
            append_line(lines_, outcome);
        }
        return outcome;
    } catch (const std::exception& error) {
        return retry(error.what());
    } catch (...) {
        return retry("an exception that is no std::exception");
    }
}

std::size_t HandlerWork::start(std::span<const Event> events) {
    handled_.emplace_back(events.front().id(), handle({events.data(), 1}));
    return 1;
}

void HandlerWork::advance(Outcomes& outcomes) {
    write_lines(lines_, output_);
    for (const auto& [id, outcome] : handled_) {
        tell(outcomes, id, outcome);
    }
    handled_.clear();
}

}  // namespace drainpipe
