#pragma once

// What the kernel says about processes that the test did not start itself: the children of a
// launcher. All of it comes from /proc; a process that is gone, or a zombie, reads as not there or
// as zero.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

// True for a process that exists and is no zombie.
bool is_running(pid_t pid);

// The running processes whose command line or environment holds `mark`. With a mark that only one
// test uses, these are the processes that this test has started, directly or not.
std::vector<pid_t> processes_marked(std::string_view mark);

// The program's file name, cut at 15 characters by the kernel.
std::string program_of(pid_t pid);

// Whether every thread of the process is stopped by a signal.
bool stands_still(pid_t pid);

// Sends SIGSTOP and waits until every thread of the process stands still; fails the test if not.
void freeze(pid_t pid);

// User and system time spent so far, in the kernel's ticks (10 ms as a rule).
std::chrono::milliseconds cpu_time(pid_t pid);

// Private memory in use now (no shared memory, no file mappings), in bytes.
std::uint64_t private_memory(pid_t pid);

// The children that the kernel lists for a process.
std::vector<pid_t> children_of(pid_t pid);

}  // namespace harness
