#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string_view>

#include "dead_letter.hpp"

namespace drainpipe {

// Where a consumer puts its dead letters.
class DeadLetters {
  public:
    virtual ~DeadLetters() = default;

    // Keeps the letters for good. False, with nothing changed, where that has to be tried again in
    // a moment; throws where it can't be done.
    [[nodiscard]] virtual bool try_append(std::span<const DeadLetter> letters) const = 0;

    // The ids of that run that have a letter. Throws where they can't be read.
    virtual std::set<std::uint64_t> ids_of(std::string_view run) const = 0;
};

}  // namespace drainpipe
