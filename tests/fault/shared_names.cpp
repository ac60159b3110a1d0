#include "shared_names.hpp"

#include <regex>

namespace drainpipe::test {
namespace {

using Match = std::smatch;

// What lies in the segment.
const std::string kTypes =
    "(Header|Ledger|Seat|Slot|Mark|Attempts|Shape|Settings|Doorbell|pthread_mutex_t|"
    "(?:Word|std::atomic)<[^<>]*>)";

bool is_of_ledger(const std::string& type) {
    return type == "Ledger" || type == "Seat" || type == "LedgerChange";
}

void for_each_match(const std::string& text, const std::regex& pattern, const auto& action) {
    for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end;
         ++match) {
        action(*match);
    }
}

// The lvalue with nothing left in its brackets, but for those that it begins with, or a cast's.
std::string outline_of(const std::string& lvalue) {
    std::string outline;
    int depth = 0;
    for (const char character : lvalue) {
        const bool opens = character == '(' || character == '[';
        const bool counts = depth > 0 || (!outline.empty() && outline.back() != '*' &&
                                          outline.back() != '>' && outline.back() != '(');
        if (character == ')' || character == ']') {
            depth -= depth > 0 ? 1 : 0;
        }
        if (depth == 0) {
            outline += character;
        }
        if (opens && counts) {
            ++depth;
        }
    }
    return outline;
}

}  // namespace

void SharedNames::add(const std::string& name, Name what) {
    if (what.kind == Kind::function) {
        functions_[name] = what;
    } else if (name.ends_with('_')) {
        lasting_[name] = what;
    } else {
        locals_[name] = what;
    }
}

const SharedNames::Name* SharedNames::find(const std::string& name) const {
    for (const auto* names : {&locals_, &lasting_}) {
        if (const auto found = names->find(name); found != names->end()) {
            return &found->second;
        }
    }
    return nullptr;
}

void SharedNames::learn(const std::string& statement) {
    learn_typed(statement);
    learn_derived(statement);
}

void SharedNames::learn_typed(const std::string& statement) {
    static const std::regex indirect("(const )?\\b(?:std::)?" + kTypes +
                                     "([&*])(?: const)? (\\w+)(\\()?");
    for_each_match(statement, indirect, [&](const Match& match) {
        if (!match[1].matched) {
            const Kind kind = match[5].matched  ? Kind::function
                              : match[3] == "&" ? Kind::reference
                                                : Kind::pointer;
            add(match[4], {kind, is_of_ledger(match[2])});
        }
    });
    static const std::regex span("span<" + kTypes + ">&? (\\w+)(\\()?");
    for_each_match(statement, span, [&](const Match& match) {
        const Kind kind = match[3].matched ? Kind::function : Kind::pointer;
        add(match[2], {kind, is_of_ledger(match[1])});
    });
    static const std::regex word("Word<[^<>]*>(?:&|, \\w+>)? (\\w+)");
    for_each_match(statement, word, [&](const Match& match) { words_.insert(match[1]); });
    static const std::regex change("\\bLedgerChange&? (\\w+)\\b");
    for_each_match(statement, change, [&](const Match& match) {
        add(match[1], {Kind::pointer, true});
    });
    static const std::regex bytes("^ *(?:std::)?char\\* (\\w+)\\(");
    for_each_match(statement, bytes, [&](const Match& match) {
        add(match[1], {Kind::function, false});
    });
    static const std::regex atomic("std::atomic<[^<>]*> (\\w+_);");
    for_each_match(statement, atomic, [&](const Match& match) {
        add(match[1], {Kind::reference, false});
    });
}

void SharedNames::learn_derived(const std::string& statement) {
    static const std::regex declared(
        "(const )?([\\w:]+(?:<[^<>]*>)?)([&*]?)(?: const)? (\\w+) ?(?:=|:) ?([^=:].*)");
    Match match;
    if (!std::regex_search(statement, match, declared)) {
        return;
    }
    const bool is_reference = match[3] == "&";
    const bool can_reach = match[3].length() > 0 ? !match[1].matched : match[2] == "auto";
    const Name* const origin = mentioned_in(match[5]);
    if (can_reach && origin != nullptr && find(match[4]) == nullptr) {
        add(match[4], {is_reference ? Kind::reference : Kind::pointer, origin->is_of_ledger});
    }
}

const SharedNames::Name* SharedNames::reached_by_lvalue(const std::string& lvalue) const {
    const std::string outline = outline_of(lvalue);
    static const std::regex call("(\\w+)\\(");
    const Name* called = nullptr;
    for_each_match(outline, call, [&](const Match& match) {
        const auto function = functions_.find(match[1]);
        called = function != functions_.end() ? &function->second : called;
    });
    if (called != nullptr) {
        return called;
    }
    static const std::regex root("^([*(&]*)(?:this->)?(\\w+)(\\[|->)?");
    Match match;
    if (!std::regex_search(outline, match, root)) {
        return nullptr;
    }
    const Name* const name = find(match[2]);
    const bool is_followed = match[3].matched || match[1].str().find('*') != std::string::npos;
    return name != nullptr && (name->kind == Kind::reference || is_followed) ? name : nullptr;
}

const SharedNames::Name* SharedNames::mentioned_in(const std::string& expression) const {
    static const std::regex word("(\\w+)(\\()?");
    const Name* found = nullptr;
    for_each_match(expression, word, [&](const Match& match) {
        const auto function = functions_.find(match[1]);
        if (match[2].matched && function != functions_.end()) {
            found = &function->second;
        } else if (const Name* const name = find(match[1]); name != nullptr && !found) {
            found = name;
        }
    });
    return found;
}

bool SharedNames::is_word(const std::string& lvalue) const {
    static const std::regex last("(\\w+)(?:\\[[^\\]]*\\])?$");
    Match match;
    return std::regex_search(lvalue, match, last) && words_.contains(match[1]);
}

}  // namespace drainpipe::test
