#include "sink_options.hpp"

#include <string>
#include <utility>

#include "endpoint_options.hpp"

namespace drainpipe {

std::optional<SinkOptions> read_sink_options(const CommandLine& line, const OptionTexts& texts) {
    if (texts.sink.empty()) {
        return std::nullopt;
    }
    const bool has_target = !texts.forward.empty();
    if (has_target || !texts.consumer.empty()) {
        const std::string other = line.origin(has_target ? "forward" : "consumer");
        refuse_url(line, "sink", texts.sink,
                   "can't be had beside " + other +
                       ": it takes what --exec or --worker writes, or the payload");
    }
    if (!texts.batch.empty() && texts.batch != "1") {
        refuse(line, "batch", texts.batch,
               "can't be had with " + line.origin("sink") + ": each event has a result of its own");
    }
    return SinkOptions{read_endpoint_options(line, texts, "sink", texts.sink),
                       program_of_scheme(texts.sink, "sink")};
}

}  // namespace drainpipe
