#pragma once

#include <array>

namespace drainpipe {

// The commands of `launcher`, which are those of `drainpipe` as well.
struct CommandText {
    const char* name;
    const char* help;
};

inline constexpr CommandText kStatusCommand{"status", "Show how the running pipeline stands"};
inline constexpr CommandText kTopCommand{"top", "The same, live, on a terminal; q leaves"};
inline constexpr CommandText kStopCommand{"stop", "Have it drain and stop, as SIGTERM does"};
inline constexpr CommandText kReloadCommand{"reload",
                                            "Have it open its logs again, as SIGHUP does"};
inline constexpr CommandText kScaleCommand{"scale", "Give it another number of consumers"};
inline constexpr CommandText kDeadCommand{"dead",
                                          "Show, retry or drop the dead letters of --log-dir"};
inline constexpr CommandText kReportCommand{"report", "Make a picture of a run from its log"};
inline constexpr CommandText kConfigCommand{
    "config", "Print every option with its value and where it came from"};

inline constexpr std::array kCommands{kStatusCommand, kTopCommand,  kStopCommand,   kReloadCommand,
                                      kScaleCommand,  kDeadCommand, kReportCommand, kConfigCommand};

}  // namespace drainpipe
