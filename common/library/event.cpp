#include "drainpipe/event.hpp"

#include <stdexcept>
#include <string>

namespace drainpipe {

void Event::throw_not_as(std::size_t size, std::size_t alignment) const {
    const std::string event = "event " + std::to_string(id_);
    if (payload_.size() != size) {
        throw std::invalid_argument(event + " has " + std::to_string(payload_.size()) +
                                    " bytes, and its type " + std::to_string(size));
    }
    throw std::invalid_argument(event + " is not aligned to the " + std::to_string(alignment) +
                                " bytes of its type: it was accepted without --consumer or "
                                "--producer");
}

}  // namespace drainpipe
