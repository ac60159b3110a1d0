#pragma once

#include <string>

#include "segment.hpp"

namespace drainpipe::test {

// What must hold of a segment when a process was killed at some point of it.

// What a process that comes after must find: the lock, cursors in order, every event between head
// and tail whole and what it was.
void check_state(Segment& segment);

void check_account(const std::string& name);

// Sleepers in front of both event counts wake at the next change, and all that is left comes in the
// drain: to one consumer, or to each where each gets everything.
void check_drains(Segment& segment);

// The run goes on: what is left comes, and so does what is pushed behind it, in order, for the
// first time and with its own account, until each slot was used again and once more.
void check_goes_on(Segment& segment, const std::string& name);

}  // namespace drainpipe::test
