#include <memory>
#include <stdexcept>
#include <utility>

#include "drainpipe/sink.hpp"
#include "endpoint_files.hpp"
#include "stream_publisher.hpp"

namespace drainpipe::nats {
namespace {

// What the work on an event has written.
class Result : public Publication {
  public:
    Result(Token token, std::string_view data) : token_(std::move(token)), data_(data) {}

    std::string id() const override {
        const Event& event = token_.event();
        return std::string(event.run()) + "-" + std::to_string(event.id());
    }
    std::string_view data() const override { return data_; }
    void stored() override { token_.settle(done()); }
    void refused(const std::string& why) override { token_.settle(dead(why)); }

  private:
    Token token_;
    std::string_view data_;
};

SinkHandler make_handler(SinkHost& host) {
    const StreamPublisher::Host said{
        .report_connected = [&host](bool is_connected) { host.report_connected(is_connected); },
        .info = [&host](const std::string& what) { host.info(what); },
        .warn = [&host](const std::string& what) { host.warn(what); }};
    auto publisher = std::make_shared<StreamPublisher>(NatsUrl::of_sink(host.endpoint().url),
                                                       files_of(host.endpoint()), said);
    return [publisher](Token token, std::string_view result) {
        publisher->publish(std::make_unique<Result>(std::move(token), result));
    };
}

SinkHandler make_sink(SinkHost& host) {
    SinkHandler handler;
    try {
        handler = make_handler(host);
    } catch (const std::invalid_argument& error) {
        host.refuse(64, error.what());
    } catch (const UnusableFile& error) {
        host.refuse(73, error.what());
    }
    return handler;
}

}  // namespace
}  // namespace drainpipe::nats

int main(int argc, char** argv) {
    return drainpipe::run_sink(argc, argv, drainpipe::nats::make_sink);
}
