#include "drainpipe/sink.hpp"

#include <atomic>
#include <memory>
#include <utility>

#include "own_consumer.hpp"
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
    void refuse(int exit_code, const std::string& why) override {
        throw Failure(static_cast<ExitCode>(exit_code), why);
    }

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
    std::unique_ptr<StageSinkHost> host;  // outlives the work
    return run_own_consumer(
        argc, argv, WorkProgram::sink, [&](const std::shared_ptr<Stage>& stage, Output& output) {
            host =
                std::make_unique<StageSinkHost>(*stage, take_endpoint(*stage, EndpointRole::sink));
            return make_sink_work(stage, make_sink(*host), output);
        });
}

}  // namespace drainpipe
