#pragma once

// What a round throws when a promise is broken: what was seen, in words.

#include <stdexcept>

namespace soak {

class Fault : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace soak
