#pragma once

namespace drainpipe {

// What the programs answer with; the numbers of sysexits(3) where it has one.
enum class ExitCode : int {
    done = 0,
    usage = 64,          // EX_USAGE
    unavailable = 69,    // EX_UNAVAILABLE: a program or the pipeline is not there
    software = 70,       // EX_SOFTWARE: a child died too often, an internal fault
    system = 71,         // EX_OSERR: fork, memory, descriptors
    cannot_create = 73,  // EX_CANTCREAT
    io = 74,             // EX_IOERR: log lines lost, a connection or an output broken
    taken = 75,          // EX_TEMPFAIL: running already, shutting down
    no_permission = 77,  // EX_NOPERM
    deadline = 124,      // as timeout(1): the drain was cut short
};

}  // namespace drainpipe
