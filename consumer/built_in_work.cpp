#include "built_in_work.hpp"

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

std::unique_ptr<Work> make_built_in_work(Stage& stage, Output& output) {
    const auto warn = [&stage](const std::string& what) { stage.warn(what); };
    const Settings& settings = stage.segment().header().settings;
    switch (settings.work) {
        case WorkKind::exec:
            return std::make_unique<ExecWork>(
                ExecWork::Options{
                    .command = settings.command.data(),
                    .jobs = settings.jobs,
                    .batch = settings.batch,
                    .batch_wait = std::chrono::microseconds(settings.batch_wait_microseconds),
                    .timeout = std::chrono::microseconds(settings.timeout_microseconds),
                    .environment = environment_of(stage)},
                output, warn);
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
                    .environment = environment_of(stage)},
                output, warn);
        case WorkKind::forward: {
            const std::string name = settings.command.data();
            const Address target(name, stage.membership().address().run_directory().string());
            return std::make_unique<ForwardWork>(
                ForwardWork::Options{.name = name, .path = target.socket_path()}, warn);
        }
        case WorkKind::print:
        case WorkKind::stage:  // refused before: see require_work_of()
            break;
    }
    return std::make_unique<PrintWork>(
        output, settings.begin_interval_nanoseconds > 0 ? Work::Ends::later : Work::Ends::at_once);
}

}  // namespace drainpipe
