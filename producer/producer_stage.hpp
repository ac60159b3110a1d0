#pragma once

#include <memory>

#include "intake.hpp"
#include "source.hpp"
#include "stage.hpp"

namespace drainpipe {

// A producer as a stage of a pipeline: joins a source to its ring and its log.
class ProducerStage final : private Intake::Host {
  public:
    // Opens the source that the run's settings name. Throws Failure or std::system_error where that
    // can't be done.
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
    std::unique_ptr<Source> source_;
    Intake intake_;
};

}  // namespace drainpipe
