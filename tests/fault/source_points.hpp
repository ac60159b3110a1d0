#pragma once

#include <set>
#include <string>
#include <vector>

#include "shared_names.hpp"
#include "source_file.hpp"
#include "store_shape.hpp"

namespace drainpipe::test {

// A statement of the sources that changes shared state, and the fault points that cover it: those
// on its own lines, and the one that is all of the statement before. A change of the ledger's copy
// that does not hold is seen by nobody, so that any point before it in its function covers it, or
// LedgerChange's in front of all of them.
struct SourceStore {
    std::string where;  // "ring_writer.cpp:71"
    std::string code;
    StoreShape shape;
    std::set<std::string> covering;
    bool has_callers_point;  // the point in front of it is named after the caller
    std::string exception;   // why it may be without a point; empty where it may not

    bool is_covered_by(const std::set<std::string>& reached) const;
};

// How the sources of the segment and the ring call shared memory.
SharedNames names_in_sources(const std::string& shm_folder);

// Every store in the sources of the folder, headers too, as it stands there now.
std::vector<SourceStore> stores_in_sources(const std::string& folder, const SharedNames& names);
std::vector<SourceStore> stores_in_file(const SourceFile& file, SharedNames names);

}  // namespace drainpipe::test
