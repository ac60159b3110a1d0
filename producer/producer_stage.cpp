#include "producer_stage.hpp"

#include <optional>

namespace drainpipe {
namespace {

SocketSource::Options socket_options(Stage& stage) {
    const Header& header = stage.segment().header();
    const Settings& settings = header.settings;
    const bool has_group = settings.socket_group >= 0;
    return {.path = stage.membership().address().socket_path(),
            .mode = settings.socket_mode,
            .group =
                has_group ? std::optional(static_cast<gid_t>(settings.socket_group)) : std::nullopt,
            .largest_payload = header.geometry.buffer_bytes};
}

}  // namespace

ProducerStage::ProducerStage(Stage& stage)
    : stage_(stage),
      source_(socket_options(stage)),
      intake_(stage.segment(), source_, stage.log(), *this) {
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
