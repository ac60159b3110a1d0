#pragma once

#include <set>
#include <string>
#include <vector>

namespace drainpipe::test {

// A line of the sources that changes shared state, and the fault points that cover it: its own, or
// the ones on the lines around it.
struct SourceStore {
    std::string where;  // "ring_writer.cpp:71"
    std::string code;
    std::vector<std::string> covering;

    bool is_covered_by(const std::set<std::string>& reached) const;
};

// Every store in the sources of the segment and the ring, as it stands there now.
std::vector<SourceStore> stores_in_sources(const std::string& folder);

}  // namespace drainpipe::test
