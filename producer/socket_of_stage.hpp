#pragma once

#include <memory>

#include "source.hpp"
#include "stage.hpp"

namespace drainpipe {

// The socket of the pipeline that the stage belongs to. Throws Failure or std::system_error where
// it can't be opened.
std::unique_ptr<Source> make_socket_source(Stage& stage);

}  // namespace drainpipe
