#include "kept_results.hpp"

#include <exception>
#include <utility>

namespace drainpipe {

void KeptResults::add(std::uint64_t id, CapturedOutput& output) {
    Kept& kept = kept_[id];
    try {
        kept.text = output.take_text();
    } catch (const std::exception& error) {  // it is too large for memory, or its file is broken
        kept.failure = error.what();
    }
}

void KeptResults::add_line(std::uint64_t id, std::string_view line) { kept_[id].text = line; }

KeptResults::Kept KeptResults::take(std::uint64_t id) {
    auto node = kept_.extract(id);
    return node.empty() ? Kept{} : std::move(node.mapped());
}

}  // namespace drainpipe
