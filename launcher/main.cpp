#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "command_table.hpp"
#include "cut.hpp"
#include "service_environment.hpp"
#include "signals.hpp"

int main(int argc, char** argv) {
    using namespace drainpipe;
    const StandardDescriptors standard{.has_input = ::fcntl(STDIN_FILENO, F_GETFL) >= 0,
                                       .has_output = ::fcntl(STDOUT_FILENO, F_GETFL) >= 0};
    return run_program("launcher", [&] {
        const ServiceEnvironment service = take_service_environment();
        Descriptor signals = claim_signals({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD});
        ignore_job_control();
        const std::optional<Action> action = parse_command_line(argc, argv, standard, service);
        if (!action) {
            return ExitCode::done;
        }
        exit_where_segment_is_cut();
        return (*action)(std::move(signals));
    });
}
