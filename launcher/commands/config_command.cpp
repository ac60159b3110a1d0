#include "config_command.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "answer.hpp"
#include "credentials.hpp"
#include "escape.hpp"
#include "quantity.hpp"

namespace drainpipe {
namespace {

// What an option comes to that was not given and whose default depends on others, or on the user.
std::map<std::string, std::string> derived_defaults(const Options& options) {
    const WorkOptions& work = options.work;
    return {{"run-dir", options.address.run_directory().string()},
            {"max-demand", std::to_string(options.max_demand)},
            {"min-demand", std::to_string(options.min_demand)},
            {"jobs", std::to_string(work.jobs)},
            {"batch", std::to_string(work.batch)},
            {"batch-wait", to_text(work.batch_wait)},
            {"window", std::to_string(work.window)},
            {"worker-format", work.worker_format == WorkerFormat::json ? "json" : "plain"},
            {"retries", std::to_string(work.retries)},
            {"backoff", to_text(work.backoff)},
            {"backoff-max", to_text(work.backoff_max)}};
}

std::string value_of(const CommandLine::Setting& setting,
                     const std::map<std::string, std::string>& derived) {
    const auto found = derived.find(setting.flag);
    if (!setting.origin && found != derived.end()) {
        return found->second;
    }
    if (setting.flag == "source" || setting.flag == "sink") {
        return setting.value.empty() ? "-" : escaped(without_credentials(setting.value));
    }
    return setting.value.empty() ? "-" : escaped(setting.value);
}

}  // namespace

ExitCode print_config(const CommandLine& line, const Options& options) {
    const std::map<std::string, std::string> derived = derived_defaults(options);
    std::size_t flag_width = 0;
    std::size_t value_width = 0;
    const std::vector<CommandLine::Setting> settings = line.settings();
    for (const CommandLine::Setting& setting : settings) {
        constexpr std::size_t kWidest = 30;  // longer ones stand out
        flag_width = std::max(flag_width, setting.flag.size());
        value_width = std::max(value_width, std::min(kWidest, value_of(setting, derived).size()));
    }
    std::string text;
    for (const CommandLine::Setting& setting : settings) {
        std::string flag = setting.flag;
        std::string value = value_of(setting, derived);
        flag.resize(std::max(flag_width, flag.size()), ' ');
        value.resize(std::max(value_width, value.size()), ' ');
        text += flag + " = " + value + "  # " + setting.origin.value_or("default") + "\n";
    }
    print_answer(text);
    return ExitCode::done;
}

}  // namespace drainpipe
