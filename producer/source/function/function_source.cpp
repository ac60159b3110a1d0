#include "function_source.hpp"

#include <sys/eventfd.h>

#include <exception>
#include <utility>

#include "failure.hpp"

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
    if (!has_started_) {
        start();
        return;
    }
    join();
    if (!acceptor.is_over()) {
        options_.has_ended = true;
        options_.on_end();
    }
}

void FunctionSource::start() {
    has_started_ = true;
    thread_ = std::thread([this] { run_function(); });
}

void FunctionSource::run_function() {
    try {
        options_.function(*acceptor_, closing_.get());
    } catch (...) {
        thrown_ = std::current_exception();
    }
    ::eventfd_write(wake_.get(), 1);
}

void FunctionSource::end(Ending ending) {
    ::eventfd_write(closing_.get(), 1);
    if (ending == Ending::closed && options_.settles && !has_started_) {
        start();
    }
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
    } catch (const Failure&) {
        throw;
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
    }
    throw Failure(ExitCode::software, "the producer's function has thrown: " + what);
}

}  // namespace drainpipe
