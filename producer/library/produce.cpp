#include <memory>
#include <string>

#include "drainpipe/producer.hpp"
#include "function_source.hpp"
#include "intake_body.hpp"
#include "own_producer.hpp"
#include "socket_of_stage.hpp"

namespace drainpipe {
namespace {

std::unique_ptr<Source> function_source(Stage& stage, const ProducerFunction& function) {
    Header& header = stage.segment().header();
    return std::make_unique<FunctionSource>(FunctionSource::Options{
        .function =
            [&header, function, run = stage.segment().identity()](Source::Acceptor& acceptor,
                                                                  int closing_fd) {
                IntakeBody body(acceptor, {.run = run,
                                           .largest_payload = header.geometry.buffer_bytes,
                                           .last_id = [&header] { return header.tail.load(); },
                                           .closing_fd = closing_fd});
                Intake intake(body);
                function(intake);
            },
        .has_ended = header.file_has_ended.load() != 0,
        .on_end =
            [&header, &log = stage.log()] {
                log.info("end of source={}", header.settings.producer_path.data());
                header.file_has_ended.store(1);
            }});
}

IntakeLoop::Sources make_sources(Stage& stage, const ProducerFunction& function) {
    const Settings& settings = stage.segment().header().settings;
    if (settings.source != SourceKind::stage) {
        throw Failure(ExitCode::unavailable, "pipeline " + stage.membership().address().name() +
                                                 " runs without --producer: its events come from "
                                                 "elsewhere");
    }
    IntakeLoop::Sources sources;
    sources.push_back(function_source(stage, function));
    if (settings.socket != SocketKind::none) {
        sources.push_back(make_socket_source(stage));
    }
    return sources;
}

}  // namespace

int produce(int argc, char** argv, const ProducerFunction& function) {
    return run_own_producer(argc, argv,
                            [&](Stage& stage) { return make_sources(stage, function); });
}

}  // namespace drainpipe
