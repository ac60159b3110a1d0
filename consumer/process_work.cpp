#include "process_work.hpp"

#include <chrono>
#include <string>
#include <vector>

#include "adopted_children.hpp"
#include "exec_work.hpp"
#include "worker_work.hpp"

namespace drainpipe {
namespace {

// Variables of the processes that do work.
std::vector<std::string> environment_of(Stage& stage) {
    return {"DRAINPIPE_NAME=" + stage.membership().address().name(),
            std::string(kRunVariable) + "=" + stage.segment().identity()};
}

}  // namespace

std::unique_ptr<Work> make_process_work(Stage& stage, Results& results) {
    const auto warn = [&stage](const std::string& what) { stage.warn(what); };
    const Settings& settings = stage.segment().header().settings;
    if (settings.work == WorkKind::exec) {
        return std::make_unique<ExecWork>(
            ExecWork::Options{
                .command = settings.command.data(),
                .jobs = settings.jobs,
                .batch = settings.batch,
                .batch_wait = std::chrono::microseconds(settings.batch_wait_microseconds),
                .timeout = std::chrono::microseconds(settings.timeout_microseconds),
                .environment = environment_of(stage)},
            results, warn);
    }
    if (settings.work == WorkKind::worker) {
        return std::make_unique<WorkerWork>(
            WorkerWork::Options{.command = settings.command.data(),
                                .format = settings.worker_format == WorkerFormat::json
                                              ? WorkerProtocol::Format::json
                                              : WorkerProtocol::Format::plain,
                                .jobs = settings.jobs,
                                .window = settings.window,
                                .timeout = std::chrono::microseconds(settings.timeout_microseconds),
                                .environment = environment_of(stage)},
            results, warn);
    }
    return nullptr;
}

}  // namespace drainpipe
