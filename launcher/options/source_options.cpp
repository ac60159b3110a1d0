#include "source_options.hpp"

#include <utility>

#include "endpoint_options.hpp"
#include "failure.hpp"
#include "quantity.hpp"

namespace drainpipe {
namespace {

void require_alone(const CommandLine& line, const OptionTexts& texts) {
    const bool has_file = !texts.from.empty();
    if (has_file || !texts.producer.empty()) {
        const std::string other = line.origin(has_file ? "from" : "producer");
        refuse_url(line, "source", texts.source,
                   "can't be had beside " + other + ": choose one of them");
    }
    if (texts.dispatch == "broadcast") {
        refuse(
            line, "dispatch", texts.dispatch,
            "can't be had with " + line.origin("source") + ": an event of it is acknowledged once");
    }
}

SourceOptions engine_of(const CommandLine& line, const OptionTexts& texts) {
    require_alone(line, texts);
    SourceOptions source{.kind = SourceKind::engine,
                         .file = {},
                         .producer = {},
                         .has_socket = false,
                         .endpoint = read_endpoint_options(line, texts, "source", texts.source),
                         .program = program_of_scheme(texts.source, "source"),
                         .gives_back = texts.give_back};
    if (!texts.source_timeout.empty()) {
        source.timeout = parse_duration(line.origin("source-timeout"), texts.source_timeout);
        if (source.timeout.count() == 0) {
            refuse(line, "source-timeout", texts.source_timeout,
                   "leaves no time; without --source-timeout there is no limit");
        }
    }
    return source;
}

void require_no_options_of_engine(const CommandLine& line, const OptionTexts& texts) {
    if (!texts.source_timeout.empty()) {
        refuse(line, "source-timeout", texts.source_timeout, "has no meaning without --source");
    }
    if (texts.give_back) {
        throw Failure(ExitCode::usage,
                      line.origin("give-back") + " has no meaning without --source");
    }
}

}  // namespace

SourceOptions read_source_options(const CommandLine& line, const OptionTexts& texts) {
    if (texts.socket && texts.producer.empty()) {
        throw Failure(ExitCode::usage, line.origin("socket") +
                                           " has no meaning without --producer: there is a socket "
                                           "where no --from or --source takes its place");
    }
    if (!texts.source.empty()) {
        return engine_of(line, texts);
    }
    require_no_options_of_engine(line, texts);
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
