#include "source_options.hpp"

#include <utility>

#include "failure.hpp"

namespace drainpipe {

SourceOptions read_source_options(const CommandLine& line, const OptionTexts& texts) {
    if (texts.socket && texts.producer.empty()) {
        throw Failure(ExitCode::usage, line.origin("socket") +
                                           " has no meaning without --producer: there is a socket "
                                           "where no --from takes its place");
    }
    if (!texts.producer.empty()) {
        if (!texts.from.empty()) {
            refuse(line, "producer", texts.producer,
                   "can't be had beside " + line.origin("from") + ": choose one of them");
        }
        return {SourceKind::stage,
                {},
                program_of(line, "producer", texts.producer, sizeof(Settings::producer_path)),
                texts.socket};
    }
    if (texts.from.empty()) {
        return {SourceKind::socket, {}, {}, true};
    }
    if (texts.from == "-") {
        return {SourceKind::standard_input, {}, {}, false};
    }
    std::filesystem::path file = std::filesystem::absolute(texts.from);
    if (file.native().size() >= sizeof(Settings::source_file)) {
        refuse(line, "from", texts.from, "is too long");
    }
    return {SourceKind::file, std::move(file), {}, false};
}

}  // namespace drainpipe
