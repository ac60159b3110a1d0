#pragma once

// Where the programs under test are: the directory named by the environment variable
// DRAINPIPE_PROGRAMS, else the build directory that the tests were compiled for.

#include <filesystem>
#include <string_view>

namespace harness {

std::filesystem::path programs_directory();

// `launcher`, `producer`, `consumer`, `enqueue` or a path below the directory, as an absolute path.
std::filesystem::path program(std::string_view name);

// Copies the four programs and the scripts into an existing directory, as an installed copy has
// them.
void copy_programs(const std::filesystem::path& destination);

}  // namespace harness
