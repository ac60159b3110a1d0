#include "store_shape.hpp"

#include <cctype>
#include <regex>

namespace drainpipe::test {
namespace {

bool is_word(char character) {
    return std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_';
}

// Where the bracket opens that is closed at `at`; the text's begin where it does not.
std::size_t opening_of(const std::string& text, std::size_t at) {
    int depth = 0;
    for (std::size_t place = at + 1; place-- > 0;) {
        const char character = text[place];
        depth += character == ')' || character == ']' ? 1 : 0;
        depth -= character == '(' || character == '[' ? 1 : 0;
        if (depth == 0) {
            return place;
        }
    }
    return 0;
}

// Where the expression begins that ends before `end`: names, calls and indices, one after another.
std::size_t begin_of_lvalue(const std::string& text, std::size_t end) {
    std::size_t begin = end;
    while (begin > 0) {
        const char last = text[begin - 1];
        if (last == ')' || last == ']') {
            begin = opening_of(text, begin - 1);
        } else if (is_word(last) || last == '.' || last == ':') {
            --begin;
        } else if (last == '>' && begin > 1 && text[begin - 2] == '-') {
            begin -= 2;
        } else if (last == '>' && text[begin] == '(') {
            begin = text.rfind('<', begin);  // a cast
        } else {
            break;
        }
    }
    while (begin > 0 && text[begin - 1] == '*' && (begin < 2 || !is_word(text[begin - 2]))) {
        --begin;
    }
    return begin;
}

// Whether what stands before `begin` makes of the name there a declaration.
bool is_declared(const std::string& text, std::size_t begin) {
    static const std::regex typed("([\\w>][&*]*|\\])( const)? $");
    static const std::regex statement("\\b(return|else|do|case) $");
    const std::string before = text.substr(0, begin);
    return std::regex_search(before, typed) && !std::regex_search(before, statement);
}

std::string trimmed(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(' ');
    return begin == std::string::npos ? ""
                                      : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

// The arguments of the call that opens at `open`; only the first one, if so wished.
std::string arguments(const std::string& text, std::size_t open, bool only_first) {
    int depth = 0;
    std::size_t end = open;
    for (; end < text.size(); ++end) {
        const char character = text[end];
        depth += character == '(' || character == '[' || character == '{' ? 1 : 0;
        depth -= character == ')' || character == ']' || character == '}' ? 1 : 0;
        if (depth == 0 || (only_first && depth == 1 && character == ',')) {
            break;
        }
    }
    return trimmed(text.substr(open + 1, end - open - 1));
}

class Statement {
  public:
    Statement(const std::string& text, const SharedNames& names) : text_(text), names_(names) {}

    std::vector<StoreShape> stores() {
        find_calls();
        find_copies();
        find_assignments();
        find_increments();
        return stores_;
    }

  private:
    using Kind = StoreShape::Kind;

    void for_each(const std::regex& pattern, const auto& action) {
        for (std::sregex_iterator match(text_.begin(), text_.end(), pattern), end; match != end;
             ++match) {
            action(static_cast<std::size_t>(match->position()), *match);
        }
    }

    void add(Kind kind, const std::string& target, const SharedNames::Name* name) {
        stores_.push_back({.kind = kind,
                           .target = target,
                           .is_of_segment = name != nullptr,
                           .is_of_ledger = kind == Kind::plain && name->is_of_ledger,
                           .is_of_word = names_.is_word(target)});
    }

    // Every one, whatever it is called on: the sources of the ring have no such methods but those.
    void find_calls() {
        static const std::regex method(
            "(\\.|->)(store|add|set|fill|exchange|fetch_(?:add|sub|and|or|xor)|compare_exchange_"
            "\\w+)\\(");
        for_each(method, [&](std::size_t at, const std::smatch&) {
            const std::size_t begin = begin_of_lvalue(text_, at);
            const std::string target = text_.substr(begin, at - begin);
            add(Kind::call, target, names_.mentioned_in(target));
        });
    }

    void find_copies() {
        static const std::regex first(
            "\\b(memcpy|memmove|memset|fill|fill_n|iota|copy_payload|make_lock|"
            "pthread_mutex_init|exchange|construct_at|new )\\(");
        static const std::regex any("\\b(copy|copy_n|copy_backward|swap|generate|transform)\\(");
        const auto look = [&](bool only_first) {
            return [&, only_first](std::size_t at, const std::smatch& match) {
                const bool is_method = at > 0 && (text_[at - 1] == '.' || text_[at - 1] == '>');
                if (is_method || is_declared(text_, at)) {
                    return;
                }
                const std::size_t open = at + static_cast<std::size_t>(match.length()) - 1;
                const std::string target = arguments(text_, open, only_first);
                if (const auto* const name = names_.mentioned_in(target)) {
                    add(Kind::plain, target, name);
                }
            };
        };
        for_each(first, look(true));
        for_each(any, look(false));
    }

    void add_lvalue(std::size_t begin, std::size_t end) {
        const std::string lvalue = text_.substr(begin, end - begin);
        if (const auto* const name = names_.reached_by_lvalue(lvalue)) {
            add(Kind::plain, lvalue, name);
        }
    }

    void find_assignments() {
        static const std::regex assignment(" (<<|>>|[-+*/%&|^])?=( |$)");
        for_each(assignment, [&](std::size_t at, const std::smatch&) {
            const std::size_t begin = begin_of_lvalue(text_, at);
            if (!is_declared(text_, begin)) {
                add_lvalue(begin, at);
            }
        });
    }

    void find_increments() {
        static const std::regex increment("\\+\\+|--");
        for_each(increment, [&](std::size_t at, const std::smatch&) {
            const bool is_behind =
                at > 0 && (is_word(text_[at - 1]) || text_[at - 1] == ')' || text_[at - 1] == ']');
            if (is_behind) {
                add_lvalue(begin_of_lvalue(text_, at), at);
            } else {
                static const std::regex lvalue(
                    "^[*(]*[\\w.:]+(->|[\\w.:]|\\([^()]*\\)|\\[[^\\]]*\\])*");
                std::smatch match;
                const std::string behind = text_.substr(at + 2);
                if (std::regex_search(behind, match, lvalue)) {
                    add_lvalue(at + 2, at + 2 + static_cast<std::size_t>(match.length()));
                }
            }
        });
    }

    const std::string& text_;
    const SharedNames& names_;
    std::vector<StoreShape> stores_;
};

}  // namespace

std::vector<StoreShape> stores_in(const std::string& statement, const SharedNames& names) {
    return Statement(statement, names).stores();
}

}  // namespace drainpipe::test
