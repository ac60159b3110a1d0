// A consumer that does nothing with its events, as the peers' loops do nothing.

#include "drainpipe/consumer.hpp"

int main(int argc, char** argv) {
    using namespace drainpipe;
    return consume_batches(argc, argv, [](const Batch&) { return done(); });
}
