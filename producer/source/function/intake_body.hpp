#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "source.hpp"

namespace drainpipe {

// What an Intake of the public library leads to.
class IntakeBody {
  public:
    struct Facts {
        std::string run;
        std::uint64_t largest_payload;
        std::function<std::uint64_t()> last_id;
        int closing_fd;
    };

    // The acceptor outlives this object.
    IntakeBody(Source::Acceptor& acceptor, Facts facts)
        : acceptor_(acceptor), facts_(std::move(facts)) {}

    Source::Acceptor& acceptor() { return acceptor_; }
    const Source::Acceptor& acceptor() const { return acceptor_; }
    const Facts& facts() const { return facts_; }

  private:
    Source::Acceptor& acceptor_;
    Facts facts_;
};

}  // namespace drainpipe
