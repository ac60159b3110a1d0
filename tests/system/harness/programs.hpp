#pragma once

// Where the programs under test are: the folder named by the environment variable
// DRAINPIPE_PROGRAMS, else the build folder that the tests were compiled for.

#include <filesystem>
#include <string_view>

namespace harness {

std::filesystem::path programs_folder();

// `launcher`, `producer`, `consumer`, `enqueue` or a path below the folder, as an absolute path.
std::filesystem::path program(std::string_view name);

// Copies the four programs and the scripts into an existing folder, as an installed copy has them.
void copy_programs(const std::filesystem::path& destination);

}  // namespace harness
