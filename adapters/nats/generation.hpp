#pragma once

#include <string>

namespace drainpipe::nats {

// A consumer, and not another one of its name: by the time when it was made. A nats-server
// of 2.9.10 gives a time 0.2 ms later once it was restarted, so the comparison allows for a quarter
// of a second, and the name has whole seconds. No wider: what is said of a consumer's messages must
// never reach another one's.
class Generation {
  public:
    // `created` as the server has it: "2026-11-29T08:35:31.977520688Z".
    bool is_of(const std::string& created) const;
    // True where that is another consumer than before. Where it is the same the name stays.
    bool adopt(const std::string& created);

    // For keys. Another process has the same one, but for one consumer of some thousand: what that
    // process holds of it is given back then, and what was done lately may be done again.
    const std::string& name() const { return name_; }

  private:
    std::string created_;
    std::string name_;
};

}  // namespace drainpipe::nats
