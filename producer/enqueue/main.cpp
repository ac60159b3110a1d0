#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>

#include "address.hpp"
#include "answer.hpp"
#include "command_line.hpp"
#include "connection.hpp"
#include "enqueue.hpp"
#include "failure.hpp"
#include "quantity.hpp"
#include "role_locks.hpp"
#include "signals.hpp"

namespace {

using namespace drainpipe;

constexpr std::size_t kMaxDigits = 18;
constexpr std::uint64_t kMaxEvents = 999999999999999999;

std::unique_ptr<PayloadSource> source_of(const std::string& events) {
    if (events == "-") {
        return lines_of(STDIN_FILENO);
    }
    if (events.size() > kMaxDigits) {
        throw Failure(ExitCode::usage, "EVENTS: '" + events + "' has more than 18 digits");
    }
    return numbers_up_to(parse_count("EVENTS", events, 1, kMaxEvents));
}

// What is wrong where that can't be written; nothing where all is well.
std::string print_accepted(std::uint64_t accepted) {
    const std::string count = "accepted=" + std::to_string(accepted);
    try {
        print_answer(count + "\n");
        return "";
    } catch (const Failure& failure) {
        return count + ": " + failure.what();
    }
}

ExitCode enqueue(const Address& address, PayloadSource& source,
                 std::chrono::steady_clock::time_point deadline) {
    Descriptor signals = claim_signals({SIGINT, SIGTERM});
    Enqueue::Result result{};
    try {
        Descriptor connection = connect_to_intake(address, signals, deadline);
        result = Enqueue(std::move(connection), std::move(signals), source, deadline).run();
    } catch (const std::exception&) {
        print_accepted(0);
        throw;
    }
    const std::string unwritten = print_accepted(result.accepted);
    if (!result.complaint.empty()) {
        throw Failure(result.code,
                      unwritten.empty() ? result.complaint : result.complaint + "; " + unwritten);
    }
    if (!unwritten.empty()) {
        throw Failure(ExitCode::io, unwritten);
    }
    return result.code;
}

}  // namespace

int main(int argc, char** argv) {
    return run_program("enqueue", [&] {
        CommandLine line("enqueue", "Puts events into a running pipeline.");
        std::string name = Address::kDefaultName;
        std::string run_directory;
        std::string events;
        line.add_address(name, run_directory);
        std::string timeout;
        bool prints_socket = false;
        line.add_command_switch("print-socket", prints_socket,
                                "Print the path of the intake's socket, and exit");
        line.add_option("timeout", timeout, "DURATION",
                        "Give up after so long, whether it waits to be let in or for room [never]");
        line.add_argument("EVENTS", events, "N for the numbers 1..N, or - for lines of input");
        if (const auto said = line.parse(argc, argv)) {
            return *said;
        }
        if (events.empty() && !prints_socket) {
            throw Failure(ExitCode::usage, "EVENTS is missing: a number, or - for standard input");
        }
        const Address address = where_it_runs(
            Address(name, run_directory, line.origin("name"), line.origin("run-dir")));
        if (prints_socket) {
            print_answer(address.socket_path().string() + "\n");
            return ExitCode::done;
        }
        const auto source = source_of(events);
        const auto deadline = timeout.empty() ? std::chrono::steady_clock::time_point::max()
                                              : std::chrono::steady_clock::now() +
                                                    parse_duration(line.origin("timeout"), timeout);
        return enqueue(address, *source, deadline);
    });
}
