#include "drainpipe/sink.hpp"

#include <unistd.h>

#include <atomic>
#include <memory>
#include <utility>

#include "consumer_stage.hpp"
#include "own_program.hpp"
#include "process_work.hpp"
#include "sink_work.hpp"
#include "stage.hpp"
#include "stage_endpoint.hpp"

namespace drainpipe {
namespace {

class StageSinkHost final : public SinkHost {
  public:
    StageSinkHost(Stage& stage, Endpoint endpoint)
        : stage_(stage), endpoint_(std::move(endpoint)) {}

    const Endpoint& endpoint() const override { return endpoint_; }
    // In the log alone: the views have no word for it.
    void report_connected(bool is_connected) override {
        if (is_connected_.exchange(is_connected) != is_connected) {
            stage_.log().info("sink {}", is_connected ? "connected" : "disconnected");
        }
    }
    void info(const std::string& what) override { stage_.log().info("{}", what); }
    void warn(const std::string& what) override { stage_.warn(what); }

  private:
    Stage& stage_;
    Endpoint endpoint_;
    std::atomic<bool> is_connected_{false};
};

std::unique_ptr<Work> make_sink_work(const std::shared_ptr<Stage>& stage, SinkHandler handler,
                                     Output& output) {
    return std::make_unique<SinkWork>(
        SinkWork::Options{.most = stage->segment().header().settings.max_demand, .payloads = stage},
        [&](Results& results) { return make_process_work(*stage, results); }, std::move(handler),
        output);
}

}  // namespace

int run_sink(int argc, char** argv, const MakeSink& make_sink) {
    return run_own_stage(argc, argv, [&](const std::string& program) {
        StageOptions options;
        if (const auto said = options.parse_consumer(argc, argv, program)) {
            return *said;
        }
        const auto stage = std::make_shared<Stage>(options, consumer_role(options.consumer));
        return run_logged(*stage, [&] {
            require_work_of(*stage, WorkProgram::sink);
            StageSinkHost host(*stage, take_endpoint(*stage, EndpointRole::sink));
            ConsumerStage(*stage, options.consumer, STDOUT_FILENO, [&](Stage&, Output& output) {
                return make_sink_work(stage, make_sink(host), output);
            }).run();
        });
    });
}

}  // namespace drainpipe
