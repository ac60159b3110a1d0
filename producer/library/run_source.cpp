#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "drainpipe/source.hpp"
#include "function_source.hpp"
#include "own_producer.hpp"
#include "source_intake_body.hpp"
#include "stage_endpoint.hpp"

namespace drainpipe {
namespace {

// Why the source can't be used: the first reason counts.
class Refusal {
  public:
    void refuse(int exit_code, const std::string& why) {
        const std::lock_guard guard(mutex_);
        if (!failure_) {
            failure_.emplace(static_cast<ExitCode>(exit_code), why);
            is_given_ = true;
        }
    }
    bool is_given() const { return is_given_; }
    void throw_if_given() const {
        const std::lock_guard guard(mutex_);
        if (failure_) {
            throw *failure_;
        }
    }

  private:
    mutable std::mutex mutex_;
    std::optional<Failure> failure_;
    std::atomic<bool> is_given_{false};
};

bool has_consumers(const Membership& membership) {
    for (unsigned number = 0; number < kMaxConsumers; ++number) {
        if (membership.has_consumer(number)) {
            return true;
        }
    }
    return false;
}

// In a stop it stays as long as anything is to be settled, or may get to be.
bool is_over(Stage& stage, const SourceIntakeBody& body) {
    const Phase phase = stage.segment().header().phase.load();
    if (stage.launcher_is_gone()) {
        return !body.has_to_settle() &&
               (stage.segment().left() == 0 || !has_consumers(stage.membership()));
    }
    if (phase == Phase::running) {
        return stage.should_leave();
    }
    return phase == Phase::settling && !body.has_to_settle();
}

void run_function(Stage& stage, const Endpoint& endpoint, const SourceFunction& function,
                  Source::Acceptor& acceptor, int closing_fd) {
    Refusal refusal;
    Header& header = stage.segment().header();
    SourceIntakeBody body(
        stage.segment(), acceptor,
        {.endpoint = endpoint,
         .is_over =
             [&stage, &refusal](const SourceIntakeBody& own) {
                 return refusal.is_given() || is_over(stage, own);
             },
         .is_giving_back =
             [&header] {
                 return header.settings.gives_back != 0 &&
                        header.phase.load() >= Phase::giving_back;
             },
         .info = [&stage](const std::string& what) { stage.log().info("{}", what); },
         .warn = [&stage](const std::string& what) { stage.warn(what); },
         .refuse = [&refusal](int code, const std::string& why) { refusal.refuse(code, why); },
         .closing_fd = closing_fd});
    SourceIntake intake(body);
    function(intake);
    refusal.throw_if_given();
    body.report({});
}

IntakeLoop::Sources make_sources(Stage& stage, const SourceFunction& function) {
    const Settings& settings = stage.segment().header().settings;
    if (settings.source != SourceKind::engine) {
        throw Failure(ExitCode::unavailable, "pipeline " + stage.membership().address().name() +
                                                 " runs without --source: its events come from "
                                                 "elsewhere");
    }
    IntakeLoop::Sources sources;
    sources.push_back(std::make_unique<FunctionSource>(FunctionSource::Options{
        .function =
            [&stage, function, endpoint = take_endpoint(stage, EndpointRole::source)](
                Source::Acceptor& acceptor, int closing_fd) {
                run_function(stage, endpoint, function, acceptor, closing_fd);
            },
        .on_end =
            [] {
                throw Failure(ExitCode::software,
                              "the source's function has returned though it was not over");
            },
        .settles = true}));
    return sources;
}

}  // namespace

int run_source(int argc, char** argv, const SourceFunction& function) {
    return run_own_producer(argc, argv,
                            [&](Stage& stage) { return make_sources(stage, function); });
}

}  // namespace drainpipe
