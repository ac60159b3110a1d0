#pragma once

#include <string>

#include "pipeline_rows.hpp"
#include "table.hpp"

namespace drainpipe::bench {

// A drain while a thousand clients hold HTTP up, beside one that nobody looks at.
void print_watched(Table& table, const PipelineEffort& effort, const std::string& programs);

}  // namespace drainpipe::bench
