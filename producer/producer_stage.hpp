#pragma once

#include <functional>

#include "intake_loop.hpp"
#include "stage.hpp"

namespace drainpipe {

// A producer as a stage of a pipeline: joins a source to its ring and its log.
class ProducerStage final : private IntakeLoop::Host {
  public:
    // The sources that the run was asked for.
    using MakeSources = std::function<IntakeLoop::Sources(Stage&)>;

    ProducerStage(Stage& stage, const MakeSources& make_sources);

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
    IntakeLoop::Sources sources_;
    IntakeLoop intake_;
};

}  // namespace drainpipe
