#include "dispatcher.hpp"

#include "broadcast_dispatcher.hpp"
#include "demand_dispatcher.hpp"
#include "partition_dispatcher.hpp"

namespace drainpipe {

std::unique_ptr<Dispatcher> Dispatcher::of(const Segment& segment, unsigned consumer) {
    switch (segment.header().settings.dispatch) {
        case Dispatch::broadcast:
            return std::make_unique<BroadcastDispatcher>(segment, consumer);
        case Dispatch::partition:
            return std::make_unique<PartitionDispatcher>(segment, consumer);
        case Dispatch::demand:
            break;
    }
    return std::make_unique<DemandDispatcher>(segment, consumer);
}

}  // namespace drainpipe
