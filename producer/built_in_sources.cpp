#include "built_in_sources.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "failure.hpp"
#include "file_source.hpp"
#include "signals.hpp"
#include "socket_of_stage.hpp"

namespace drainpipe {
namespace {

std::string source_name(const Settings& settings) {
    return settings.source == SourceKind::standard_input
               ? "standard input"
               : std::string(settings.source_file.data(),
                             ::strnlen(settings.source_file.data(), settings.source_file.size()));
}

// The file that the launcher has found at that path, and no other one that is there by now.
Descriptor open_file(const Header& header, const std::string& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat info {};
    if (!file.is_open() || ::fstat(file.get(), &info) != 0) {
        throw creation_failure("cannot read " + path, errno);
    }
    if (info.st_dev != header.file_device.load() || info.st_ino != header.file_inode.load()) {
        throw Failure(ExitCode::cannot_create,
                      path +
                          " is another file than the one that the pipeline has begun with: put "
                          "that one back and start again");
    }
    return file;
}

// The launcher's own: one that was started by hand has another.
Descriptor take_standard_input(const Stage& stage) {
    if (stage.is_by_hand()) {
        throw Failure(ExitCode::unavailable,
                      "the events come from the launcher's standard input: only a producer that it "
                      "starts has that");
    }
    ignore_job_control();
    return Descriptor(STDIN_FILENO);
}

std::unique_ptr<Source> file_source(Stage& stage) {
    Header& header = stage.segment().header();
    const bool is_file = header.settings.source == SourceKind::file;
    const std::string name = source_name(header.settings);
    FileSource::Options options{
        .file = is_file ? open_file(header, name) : take_standard_input(stage),
        .name = name,
        .accepted = is_file ? header.tail.load() - header.file_first.load() : 0,
        .largest_payload = header.geometry.buffer_bytes,
        .has_ended = header.file_has_ended.load() != 0,
        .on_end = {}};
    options.on_end = [&header, &log = stage.log(), name](std::uint64_t lines) {
        log.info("end of source={} lines={}", name, lines);
        header.file_has_ended.store(1);
    };
    return std::make_unique<FileSource>(std::move(options));
}

}  // namespace

IntakeLoop::Sources make_built_in_sources(Stage& stage) {
    const Settings& settings = stage.segment().header().settings;
    IntakeLoop::Sources sources;
    switch (settings.source) {
        case SourceKind::socket:
            sources.push_back(make_socket_source(stage));
            break;
        case SourceKind::file:
        case SourceKind::standard_input:
            sources.push_back(file_source(stage));
            break;
        case SourceKind::stage:
            throw Failure(ExitCode::unavailable,
                          "the producer of pipeline " + stage.membership().address().name() +
                              " is of --producer " + settings.producer_path.data());
        case SourceKind::engine:
            throw Failure(ExitCode::unavailable,
                          "the events of pipeline " + stage.membership().address().name() +
                              " are of --source " + settings.source_url.data());
    }
    return sources;
}

}  // namespace drainpipe
