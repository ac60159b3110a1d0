#include "built_in_work.hpp"

#include <string>

#include "address.hpp"
#include "forward_work.hpp"
#include "print_work.hpp"
#include "process_work.hpp"

namespace drainpipe {

std::unique_ptr<Work> make_built_in_work(Stage& stage, Output& output, Results& results) {
    const Settings& settings = stage.segment().header().settings;
    if (auto work = make_process_work(stage, results)) {
        return work;
    }
    if (settings.work == WorkKind::forward) {
        const std::string name = settings.command.data();
        const Address target(name, stage.membership().address().run_directory().string());
        return std::make_unique<ForwardWork>(
            ForwardWork::Options{.name = name, .path = target.socket_path()},
            [&stage](const std::string& what) { stage.warn(what); });
    }
    // A user's own was refused before: see require_work_of().
    return std::make_unique<PrintWork>(
        output, begins_one_by_one(settings) ? Work::Ends::later : Work::Ends::at_once);
}

}  // namespace drainpipe
