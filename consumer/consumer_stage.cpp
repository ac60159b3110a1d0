#include "consumer_stage.hpp"

#include <chrono>
#include <string>
#include <vector>

#include "address.hpp"
#include "adopted_children.hpp"
#include "exec_work.hpp"
#include "forward_work.hpp"
#include "print_work.hpp"
#include "worker_work.hpp"

namespace drainpipe {
namespace {

// Variables of the processes that do work.
std::vector<std::string> environment_of(Stage& stage) {
    return {"DRAINPIPE_NAME=" + stage.membership().address().name(),
            std::string(kRunVariable) + "=" + stage.segment().identity()};
}

}  // namespace

ConsumerStage::ConsumerStage(Stage& stage, unsigned number, int output)
    : stage_(stage),
      number_(number),
      delivery_(stage.segment(), number,
                [&stage](unsigned other) { return !stage.membership().has_consumer(other); }),
      output_(output, *this),
      work_(make_work()),
      consumer_(stage.segment(), delivery_, *work_, stage.log(), *this) {
    stage_.listen(stage.segment().header().events_available);
}

std::unique_ptr<Work> ConsumerStage::make_work() {
    const Settings& settings = stage_.segment().header().settings;
    switch (settings.work) {
        case WorkKind::exec:
            return std::make_unique<ExecWork>(
                ExecWork::Options{
                    .command = settings.command.data(),
                    .jobs = settings.jobs,
                    .batch = settings.batch,
                    .batch_wait = std::chrono::microseconds(settings.batch_wait_microseconds),
                    .timeout = std::chrono::microseconds(settings.timeout_microseconds),
                    .environment = environment_of(stage_)},
                output_, [this](const std::string& what) { warn(what); });
        case WorkKind::worker:
            return std::make_unique<WorkerWork>(
                WorkerWork::Options{
                    .command = settings.command.data(),
                    .format = settings.worker_format == WorkerFormat::json
                                  ? WorkerProtocol::Format::json
                                  : WorkerProtocol::Format::plain,
                    .jobs = settings.jobs,
                    .window = settings.window,
                    .timeout = std::chrono::microseconds(settings.timeout_microseconds),
                    .environment = environment_of(stage_)},
                output_, [this](const std::string& what) { warn(what); });
        case WorkKind::forward: {
            const std::string name = settings.command.data();
            const Address target(name, stage_.membership().address().run_directory().string());
            return std::make_unique<ForwardWork>(
                ForwardWork::Options{.name = name, .path = target.socket_path()},
                [this](const std::string& what) { warn(what); });
        }
        case WorkKind::stage:
        case WorkKind::print:
            break;
    }
    return std::make_unique<PrintWork>(
        output_, settings.begin_interval_nanoseconds > 0 ? Work::Ends::later : Work::Ends::at_once);
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
