#include "producer_stage.hpp"

namespace drainpipe {

ProducerStage::ProducerStage(Stage& stage, const MakeSources& make_sources)
    : stage_(stage),
      sources_(make_sources(stage)),
      intake_(stage.segment(), sources_, stage.log(), *this) {
    stage_.listen(stage.segment().header().room_available);
}

void ProducerStage::run() {
    stage_.report_ready();
    intake_.run();
    stage_.leave();
}

bool ProducerStage::is_stopping() const {
    return stage_.launcher_is_gone() || stage_.segment().header().phase.load() != Phase::running;
}

}  // namespace drainpipe
