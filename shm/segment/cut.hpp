#pragma once

namespace drainpipe {

// A process that touches a mapping whose file was cut short dies of SIGBUS without a word. From
// this call on it says on standard error that the segment was cut, and ends with exit code 74
// (EX_IOERR).
void exit_where_segment_is_cut();

}  // namespace drainpipe
