#pragma once

#include <initializer_list>
#include <string>

#include "descriptor.hpp"

namespace drainpipe {

// Makes the program's signals its own, whatever it inherited: the listed ones are blocked, with
// default dispositions, to be read from the descriptor that this returns. Ignored is what a program
// has no use for and would end by: SIGUSR1, SIGALRM, SIGIO, the real-time signals and their like;
// SIGPIPE and SIGXFSZ, whose calls fail instead; SIGTTOU, since output from the background is
// wanted. SIGCHLD is not, so that how a child ended is known. To be called before any thread is
// started. Throws std::system_error.
Descriptor claim_signals(std::initializer_list<int> signals);

// For a supervisor, which nothing at the terminal is to stop: SIGTSTP and SIGTTIN are ignored.
void ignore_job_control();

// For a program that starts others by exec: what it ignores it handles by doing nothing from now
// on, which exec sets back to the default. What is ignored would stay so.
void handle_ignored_signals();

// The opposite of both, for a program that turns out to have no use for them: those that were
// claimed end it as they end others, one that came meanwhile at once.
void release_signals();

// Takes the next pending signal from the descriptor; 0 when there is none.
int take_signal(const Descriptor& signals);

// Whether a signal asks a program to come to an end.
bool is_stop_request(int signal);

// "SIGTERM" for 15; "signal 99" for one without a name.
std::string signal_name(int signal);

}  // namespace drainpipe
