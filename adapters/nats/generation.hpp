#pragma once

#include <string>

namespace drainpipe::nats {

// A consumer, and not another one of its name: by the time when it was made. A nats-server
// of 2.9.10 says that time as of a moment later once it was started again, so that it is compared
// with a second to spare, and what is kept has ten seconds as its unit.
class Generation {
  public:
    // `created` as the server has it: "2026-11-29T08:35:31.977520688Z".
    bool is_of(const std::string& created) const;
    // Goes on as it is if it is of that consumer.
    void adopt(const std::string& created);

    // The same in another process, but for one consumer of some ten thousand: its messages are
    // taken for new there.
    const std::string& name() const { return name_; }

  private:
    std::string created_;
    std::string name_;
};

}  // namespace drainpipe::nats
