#pragma once

#include "producer_stage.hpp"

namespace drainpipe {

// Runs a program as the producer of the pipeline that its command line names. Returns what main()
// is to return.
int run_own_producer(int argc, char** argv, const ProducerStage::MakeSources& make_sources);

}  // namespace drainpipe
