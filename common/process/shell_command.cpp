#include "shell_command.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace drainpipe {
namespace {

constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./,:@%+- \t";

// Words that a shell takes for its own. Not among them are true and false: the programs do the
// same.
constexpr std::array<std::string_view, 58> kOwnWords{
    ".",       ":",    "alias",  "bg",       "bind",     "break",   "builtin", "caller",
    "case",    "cd",   "chdir",  "command",  "continue", "declare", "dirs",    "disown",
    "do",      "done", "echo",   "elif",     "else",     "enable",  "esac",    "eval",
    "exec",    "exit", "export", "fc",       "fg",       "fi",      "for",     "function",
    "getopts", "hash", "help",   "if",       "jobs",     "kill",    "let",     "local",
    "printf",  "pwd",  "read",   "readonly", "return",   "set",     "shift",   "source",
    "test",    "then", "time",   "times",    "trap",     "type",    "ulimit",  "umask",
    "wait",    "while"};

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (true) {
        const auto begin = text.find_first_not_of(" \t");
        if (begin == std::string_view::npos) {
            return words;
        }
        text.remove_prefix(begin);
        const auto end = std::min(text.find_first_of(" \t"), text.size());
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

bool is_program(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
}

std::string find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        return is_program(name) ? name : "";
    }
    const char* const path = std::getenv("PATH");
    std::string_view left = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
    while (true) {
        const auto colon = std::min(left.find(':'), left.size());
        const std::string directory(left.substr(0, colon));
        const std::string found = (directory.empty() ? "." : directory) + "/" + name;
        if (is_program(found)) {
            return found;
        }
        if (colon == left.size()) {
            return "";
        }
        left.remove_prefix(colon + 1);
    }
}

}  // namespace

ShellCommand::ShellCommand(std::string text) : text_(std::move(text)) {
    if (text_.find_first_not_of(kPlain) != std::string::npos) {
        return;
    }
    words_ = words_of(text_);
    if (!words_.empty() && std::ranges::find(kOwnWords, words_.front()) == kOwnWords.end()) {
        program_ = find_program(words_.front());
    }
}

}  // namespace drainpipe
