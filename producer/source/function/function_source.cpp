#include "function_source.hpp"

#include <sys/eventfd.h>

#include <exception>
#include <utility>

#include "failure.hpp"
#include "intake_body.hpp"

namespace drainpipe {

FunctionSource::FunctionSource(Options options)
    : options_(std::move(options)),
      wake_(make_event_descriptor()),
      closing_(make_event_descriptor()) {
    ::eventfd_write(wake_.get(), 1);
}

FunctionSource::~FunctionSource() {
    if (thread_.joinable()) {
        ::eventfd_write(closing_.get(), 1);
        thread_.join();
    }
}

void FunctionSource::serve(Acceptor& acceptor) {
    eventfd_t count = 0;
    if (options_.has_ended || ::eventfd_read(wake_.get(), &count) != 0) {
        return;
    }
    if (!std::exchange(has_started_, true)) {
        thread_ = std::thread([this, &acceptor] { run_function(acceptor); });
        return;
    }
    join();
    if (!acceptor.is_over()) {
        options_.has_ended = true;
        options_.on_end();
    }
}

void FunctionSource::run_function(Acceptor& acceptor) {
    try {
        IntakeBody body(acceptor, {.run = options_.run,
                                   .largest_payload = options_.largest_payload,
                                   .last_id = options_.last_id,
                                   .closing_fd = closing_.get()});
        Intake intake(body);
        options_.function(intake);
    } catch (...) {
        thrown_ = std::current_exception();
    }
    ::eventfd_write(wake_.get(), 1);
}

void FunctionSource::end(Ending /*ending*/) {
    ::eventfd_write(closing_.get(), 1);
    join();
}

void FunctionSource::join() {
    if (!thread_.joinable()) {
        return;
    }
    thread_.join();
    if (!thrown_) {
        return;
    }
    std::string what = "an exception that is no std::exception";
    try {
        std::rethrow_exception(std::exchange(thrown_, nullptr));
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
    }
    throw Failure(ExitCode::software, "the producer's function has thrown: " + what);
}

}  // namespace drainpipe
