#pragma once

// A sink of your own: a program that hands on what the work on each event has written, to an engine
// in the network. `launcher --sink URL` starts the program SCHEME_sink that lies beside it in the
// place of the consumer: it does the run's work (--exec, --worker, or none) as the consumer would,
// and gives each result to a function in place of standard output.
//
//     int main(int argc, char** argv) {
//         return drainpipe::run_sink(argc, argv, [](drainpipe::SinkHost& host) {
//             auto queue = std::make_shared<Queue>(host.endpoint());
//             return [queue](drainpipe::Token token, std::string_view result) {
//                 queue->publish(result, std::move(token));  // settles it when it is stored
//             };
//         });
//     }

#include <functional>
#include <string>
#include <string_view>

#include "drainpipe/consumer.hpp"
#include "drainpipe/endpoint.hpp"

namespace drainpipe {

// The process around a sink.
class [[gnu::visibility("default")]] SinkHost {
  public:
    virtual ~SinkHost() = default;

    virtual const Endpoint& endpoint() const = 0;
    // For the views. Any thread may call these.
    virtual void report_connected(bool is_connected) = 0;
    // In the log; in the log and on standard error.
    virtual void info(const std::string& what) = 0;
    virtual void warn(const std::string& what) = 0;
    // Ends the pipeline in order, with that exit code (64 for a URL that is none, 73 for what can't
    // be used) and one line that says why. By MakeSink alone, which it does not return to.
    [[noreturn]] virtual void refuse(int exit_code, const std::string& why) = 0;
};

// Begins to hand on a result and returns; it is to wait for nothing. The token is the event's:
// done() commits it, retry() has the work done again, dead() gives it up. `result` is what the work
// has written, or the payload where it has written nothing; it is valid until the token is settled.
using SinkHandler = std::function<void(Token, std::string_view result)>;

// Makes the handler, once, before the first event. The host outlives it.
using MakeSink = std::function<SinkHandler(SinkHost& host)>;

// Joins the pipeline that the command line names, and does its work until it is to leave or has
// drained; at most --max-demand results are with the handler at a time. Returns what main() is to
// return, as consume() does.
[[gnu::visibility("default")]] int run_sink(int argc, char** argv, const MakeSink& make_sink);

}  // namespace drainpipe
