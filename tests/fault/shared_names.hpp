#pragma once

#include <map>
#include <set>
#include <string>

namespace drainpipe::test {

// The names by which the sources reach the segment's memory, learned from how they are declared:
// references, pointers and spans of what lies in the segment, functions that return such, and
// whatever is declared from an expression with one of them in it.
class SharedNames {
  public:
    // How a name is used where it means the memory behind it.
    enum class Kind {
        function,   // name(...)
        reference,  // name
        pointer,    // name[...], name->..., *name; it may itself be set to something else
    };
    struct Name {
        Kind kind;
        bool is_of_ledger;  // by way of a Ledger, a Seat or a LedgerChange
    };

    // Learns what the statement declares. Functions and members are known from then on, the rest
    // until forget_locals().
    void learn(const std::string& statement);
    void forget_locals() { locals_.clear(); }

    // The names that an expression is built on. Nothing where it reaches no shared memory, or is
    // an lvalue that is only a pointer to it.
    const Name* reached_by_lvalue(const std::string& lvalue) const;
    const Name* mentioned_in(const std::string& expression) const;

    // Whether the lvalue ends with a name that was declared as a Word, or as an array of them.
    bool is_word(const std::string& lvalue) const;

  private:
    void add(const std::string& name, Name what);
    const Name* find(const std::string& name) const;
    void learn_typed(const std::string& statement);
    void learn_derived(const std::string& statement);

    std::set<std::string> words_;
    std::map<std::string, Name> lasting_;
    std::map<std::string, Name> functions_;
    std::map<std::string, Name> locals_;
};

}  // namespace drainpipe::test
