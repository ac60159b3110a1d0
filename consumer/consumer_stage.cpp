#include "consumer_stage.hpp"

namespace drainpipe {

ConsumerStage::ConsumerStage(Stage& stage, unsigned number, int output)
    : stage_(stage),
      number_(number),
      delivery_(stage.segment(), number,
                [&stage](unsigned other) { return !stage.membership().has_consumer(other); }),
      output_(output, *this),
      work_(output_),
      consumer_(stage.segment(), delivery_, work_, stage.log(), *this) {
    stage_.listen(stage.segment().header().events_available);
}

void ConsumerStage::run() {
    stage_.report_ready();
    consumer_.run();
    stage_.leave();
}

bool ConsumerStage::should_leave() const {
    return stage_.should_leave() || number_ >= stage_.segment().header().consumers.load();
}

bool ConsumerStage::is_draining() const {
    return stage_.launcher_is_gone() || stage_.segment().header().phase.load() == Phase::draining;
}

bool ConsumerStage::may_be_cut() const {
    return stage_.segment().header().output_may_be_cut.load() != 0;
}

void ConsumerStage::set_may_be_cut(bool on) {
    stage_.segment().header().output_may_be_cut.store(on ? 1 : 0);
}

}  // namespace drainpipe
