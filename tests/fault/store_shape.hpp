#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shared_names.hpp"

namespace drainpipe::test {

// How a statement changes shared memory.
struct StoreShape {
    enum class Kind {
        call,   // of a method that stores: a Word's, an atomic's, of Marks
        plain,  // an assignment, an increment, a copy of bytes
    };
    Kind kind;
    std::string target;  // what is changed, as the source says it
    bool is_of_segment;  // as far as the names tell
    bool is_of_ledger;   // on a copy of the ledger
    bool is_of_word;
};

// All of a statement, without comments and with empty strings.
std::vector<StoreShape> stores_in(const std::string& statement, const SharedNames& names);

}  // namespace drainpipe::test
