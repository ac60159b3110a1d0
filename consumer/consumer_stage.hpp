#pragma once

#include <functional>
#include <memory>

#include "consumer.hpp"
#include "dead_letter_file.hpp"
#include "output.hpp"
#include "stage.hpp"

namespace drainpipe {

// Who does the work of a run.
enum class WorkProgram { built_in, own, sink };

// Throws Failure(unavailable) where it is not such a program.
void require_work_of(Stage& stage, WorkProgram program);

// A consumer as a stage of a pipeline: joins it to its ring, its output and its log.
class ConsumerStage final : private Consumer::Host, private Output::Host {
  public:
    // Makes the work that the run was asked for, which may write to the output.
    using MakeWork = std::function<std::unique_ptr<Work>(Stage&, Output&)>;

    // `number` from 0. `output` is the descriptor that the payloads go to, not owned.
    ConsumerStage(Stage& stage, unsigned number, int output, const MakeWork& make_work);

    // Returns when it has left or drained.
    void run();

  private:
    bool should_leave() const override;
    bool is_draining() const override;
    bool is_last() const override { return stage_.launcher_is_gone(); }
    // Of both.
    bool may_begin() const override { return stage_.membership().may_begin(); }
    const std::atomic<bool>& has_news() const override { return stage_.has_news(); }
    int wake_fd() const override { return stage_.wake_fd(); }
    void records_written() override { stage_.count_lost_log_lines(); }

    bool try_output() override { return stage_.membership().try_output(); }
    void leave_output() override { stage_.membership().leave_output(); }
    bool may_be_cut() const override;
    void set_may_be_cut(bool on) override;
    std::vector<std::string_view> begun_payloads() override { return delivery_.begun_payloads(); }
    void warn(const std::string& what) override { stage_.warn(what); }

    Stage& stage_;
    unsigned number_;
    Delivery delivery_;
    Output output_;
    std::unique_ptr<Work> work_;
    DeadLetterFile dead_letters_;
    Consumer consumer_;
};

}  // namespace drainpipe
