#pragma once

#include "table.hpp"
#include "transport_rows.hpp"

namespace drainpipe::bench {

// The events of one producer to 1, 2, 4 and 8 consumers, each a process, against one.
void print_sharing(Table& table, const Effort& effort);

}  // namespace drainpipe::bench
