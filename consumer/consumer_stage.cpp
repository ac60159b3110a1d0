#include "consumer_stage.hpp"

#include <filesystem>
#include <string>

#include "failure.hpp"

namespace drainpipe {

void require_work_of(Stage& stage, WorkProgram program) {
    const Settings& settings = stage.segment().header().settings;
    const std::string name = "pipeline " + stage.membership().address().name();
    const bool has_sink = settings.has_sink != 0;
    const bool is_own = settings.work == WorkKind::stage;
    if (has_sink && program != WorkProgram::sink) {
        throw Failure(ExitCode::unavailable,
                      "the consumers of " + name + " are of --sink " + settings.sink_url.data());
    }
    if (is_own && program != WorkProgram::own) {
        throw Failure(ExitCode::unavailable,
                      "the consumers of " + name + " are of --consumer " + settings.command.data());
    }
    if (!is_own && program == WorkProgram::own) {
        throw Failure(ExitCode::unavailable,
                      name + " runs without --consumer: its work is done by others");
    }
    if (!has_sink && program == WorkProgram::sink) {
        throw Failure(ExitCode::unavailable,
                      name + " runs without --sink: its results go to standard output");
    }
}

ConsumerStage::ConsumerStage(Stage& stage, unsigned number, int output, const MakeWork& make_work)
    : stage_(stage),
      number_(number),
      delivery_(stage.segment(), number,
                [&stage](unsigned other) { return !stage.membership().has_consumer(other); }),
      output_(output, *this),
      work_(make_work(stage, output_)),
      dead_letters_(std::filesystem::path(stage.segment().header().settings.log_directory.data()) /
                    DeadLetterFile::kFileName),
      consumer_(stage.segment(), delivery_, *work_, stage.log(), dead_letters_, *this) {
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
    return stage_.launcher_is_gone() || stage_.segment().header().phase.load() >= Phase::draining;
}

bool ConsumerStage::may_be_cut() const {
    return stage_.segment().header().output_may_be_cut.load() != 0;
}

void ConsumerStage::set_may_be_cut(bool on) {
    stage_.segment().header().output_may_be_cut.store(on ? 1 : 0);
}

}  // namespace drainpipe
