#pragma once

#include "intake.hpp"
#include "socket_source.hpp"
#include "stage.hpp"

namespace drainpipe {

// A producer as a stage of a pipeline: joins a source to its ring and its log.
class ProducerStage final : private Intake::Host {
  public:
    explicit ProducerStage(Stage& stage);

    // Returns when it has left, every client told what became of its events.
    void run();

  private:
    bool should_leave() const override { return stage_.should_leave(); }
    bool is_stopping() const override;
    int wake_fd() const override { return stage_.wake_fd(); }
    std::string describe_consumer(unsigned number) const override {
        return stage_.membership().describe_consumer(number);
    }
    void warn(const std::string& what) override { stage_.warn(what); }

    Stage& stage_;
    SocketSource source_;
    Intake intake_;
};

}  // namespace drainpipe
