#pragma once

#include <cstdint>

#include "descriptor.hpp"

namespace drainpipe {

// What a program that runs processes for its user needs of the system.

// Throws Failure(system), with what is needed, where the limit of descriptors is too low for so
// many jobs at once.
void require_descriptors_for(std::uint32_t jobs);

// Throws std::system_error.
Descriptor make_epoll_descriptor();

}  // namespace drainpipe
