#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "cut.hpp"
#include "dead_command.hpp"
#include "dead_letter_file.hpp"
#include "failure.hpp"
#include "launcher.hpp"
#include "options.hpp"
#include "role_locks.hpp"
#include "scale.hpp"
#include "signals.hpp"

int main(int argc, char** argv) {
    using namespace drainpipe;
    const bool has_output = ::fcntl(STDOUT_FILENO, F_GETFL) >= 0;
    const bool has_input = ::fcntl(STDIN_FILENO, F_GETFL) >= 0;
    return run_program("launcher", [&] {
        Descriptor signals = claim_signals({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD});
        ignore_job_control();
        const std::optional<Options> options = parse_options(argc, argv);
        if (!options) {
            return ExitCode::done;
        }
        exit_where_segment_is_cut();
        if (options->scale_to) {
            return scale(where_it_runs(options->address), *options->scale_to);
        }
        if (options->dead) {
            return run_dead_command(*options->dead,
                                    options->log_directory / DeadLetterFile::kFileName,
                                    options->address, std::move(signals));
        }
        if (!has_output) {
            throw Failure(ExitCode::io,
                          "standard output is closed and the payloads go there: give it a reader, "
                          "a file or /dev/null");
        }
        if (!has_input && options->source.kind == SourceKind::standard_input) {
            throw Failure(ExitCode::io,
                          "standard input is closed and --from - takes the events from it: give it "
                          "a file or a pipe");
        }
        return Launcher(*options, std::move(signals)).run();
    });
}
