#include "front.hpp"

#include <unistd.h>

#include <algorithm>

#include "answer.hpp"
#include "command_texts.hpp"
#include "failure.hpp"

namespace drainpipe {
namespace {

constexpr CommandText kRun{"run", "Start a pipeline, until it is stopped or --from is done"};
constexpr CommandText kEnqueue{"enqueue", "Put events into the running pipeline"};

std::string row(const CommandText& command) {
    std::string name = command.name;
    name.resize(10, ' ');
    return "  " + name + command.help + "\n";
}

std::string help() {
    std::string text =
        "A pipeline of processes on one host that never loses an accepted event.\n"
        "Usage: drainpipe COMMAND [OPTIONS]\n"
        "\n"
        "Commands:\n" +
        row(kRun) + row(kEnqueue);
    for (const CommandText& command : kCommands) {
        text += row(command);
    }
    return text +
           "\n"
           "  drainpipe COMMAND --help tells more of one; drainpipe --version says which this is.\n"
           "\n"
           "A command for each line of a file, eight at once:\n"
           "  drainpipe run --from files --exec 'gzip -9 \"$1\"' --jobs 8\n";
}

// As CommandLine's --describe has it.
std::string description() {
    std::string table;
    const auto add = [&](const CommandText& command) {
        table += std::string("command\t") + command.name + "\t" + command.help + "\n";
    };
    add(kRun);
    add(kEnqueue);
    std::ranges::for_each(kCommands, add);
    return table;
}

bool is_command_of_launcher(const std::string& word) {
    return std::ranges::any_of(kCommands,
                               [&](const CommandText& command) { return word == command.name; });
}

[[noreturn]] void refuse(const std::string& word) {
    const std::string what =
        word.starts_with('-')
            ? "'" + word + "' stands before the command: drainpipe COMMAND " + word
            : "'" + word + "' is no command";
    throw Failure(ExitCode::usage, what + " (drainpipe --help lists them)");
}

}  // namespace

Front::Front(std::vector<std::filesystem::path> directories)
    : directories_(std::move(directories)) {}

std::optional<Front::Invocation> Front::resolve(const std::vector<std::string>& arguments) const {
    if (arguments.empty()) {
        throw Failure(ExitCode::usage, "a command is missing (drainpipe --help lists them)");
    }
    const std::string& word = arguments.front();
    std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    if (word == "help" && !rest.empty()) {
        return resolve({rest.front(), "--help"});
    }
    if (word == "help" || word == "--help" || word == "-h") {
        print_answer(help());
        return std::nullopt;
    }
    if (word == "--describe") {
        print_answer(description());
        return std::nullopt;
    }
    if (word == "--version") {
        print_answer("drainpipe " DRAINPIPE_VERSION "\n");
        return std::nullopt;
    }
    if (word == kRun.name || word == kEnqueue.name) {
        rest.insert(rest.begin(), "drainpipe " + word);
        return Invocation{find(word == kRun.name ? "launcher" : "enqueue"), rest};
    }
    if (!is_command_of_launcher(word)) {
        refuse(word);
    }
    rest.insert(rest.begin(), {"drainpipe", word});
    return Invocation{find("launcher"), rest};
}

std::filesystem::path Front::find(const std::string& program) const {
    for (const std::filesystem::path& directory : directories_) {
        if (::access((directory / program).c_str(), X_OK) == 0) {
            return directory / program;
        }
    }
    throw Failure(ExitCode::unavailable, (directories_.back() / program).string() +
                                             " is missing or not executable: install it again");
}

}  // namespace drainpipe
