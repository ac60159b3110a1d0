#include "failure.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "descriptor.hpp"
#include "escape.hpp"
#include "terminal_line.hpp"

namespace drainpipe {
namespace {

int report(std::string_view program, const std::string& message, ExitCode code) {
    write_error_line(std::string(program) + ": " + escaped(message) + "\n");
    return static_cast<int>(code);
}

}  // namespace

void throw_errno(const std::string& action) {
    throw std::system_error(errno, std::generic_category(), action);
}

ExitCode exit_code_of_errno(int error) {
    return error == EACCES || error == EPERM ? ExitCode::no_permission : ExitCode::system;
}

ExitCode exit_code_of_creation(int error) {
    switch (error) {
        case EACCES:
        case EPERM:
            return ExitCode::no_permission;
        case EAGAIN:
        case EMFILE:
        case ENFILE:
        case ENOMEM:
        case ENOSPC:
            return ExitCode::system;
        default:
            return ExitCode::cannot_create;
    }
}

Failure creation_failure(const std::string& action, int error) {
    return {exit_code_of_creation(error), action + ": " + std::generic_category().message(error)};
}

int run_program(std::string_view program, const std::function<ExitCode()>& body) {
    fill_standard_descriptors();
    ::signal(SIGPIPE, SIG_IGN);  // a reader that is gone is a failure like others
    try {
        return static_cast<int>(body());
    } catch (const Failure& failure) {
        return report(program, failure.what(), failure.code());
    } catch (const std::system_error& error) {
        return report(program, error.what(), exit_code_of_errno(error.code().value()));
    } catch (const std::exception& error) {
        return report(program, std::string("internal fault: ") + error.what(), ExitCode::software);
    }
}

}  // namespace drainpipe
