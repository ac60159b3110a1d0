#include "socket_of_stage.hpp"

#include <optional>
#include <utility>

#include "failure.hpp"
#include "socket_source.hpp"

namespace drainpipe {
namespace {

SocketSource::Options socket_options(Stage& stage) {
    const Header& header = stage.segment().header();
    const Settings& settings = header.settings;
    const bool has_group = settings.socket_group >= 0;
    const bool is_activated = settings.socket == SocketKind::activated;
    Descriptor shared = stage.take_socket();
    if (is_activated && !shared.is_open()) {
        throw Failure(ExitCode::unavailable,
                      "the socket of pipeline '" + stage.membership().address().name() +
                          "' is its service manager's: only a producer that the launcher starts "
                          "has it");
    }
    return {.path = stage.membership().address().socket_path(),
            .mode = settings.socket_mode,
            .group =
                has_group ? std::optional(static_cast<gid_t>(settings.socket_group)) : std::nullopt,
            .largest_payload = header.geometry.buffer_bytes,
            .shared = std::move(shared)};
}

}  // namespace

std::unique_ptr<Source> make_socket_source(Stage& stage) {
    return std::make_unique<SocketSource>(socket_options(stage));
}

}  // namespace drainpipe
