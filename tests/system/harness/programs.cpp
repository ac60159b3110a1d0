#include "programs.hpp"

#include <cstdlib>

namespace harness {

std::filesystem::path programs_directory() {
    const char* given = std::getenv("DRAINPIPE_PROGRAMS");
    return std::filesystem::absolute(given != nullptr ? given : DRAINPIPE_PROGRAMS_DIR);
}

std::filesystem::path program(std::string_view name) { return programs_directory() / name; }

void copy_programs(const std::filesystem::path& destination) {
    for (const char* name : {"launcher", "producer", "consumer", "enqueue"}) {
        std::filesystem::copy_file(program(name), destination / name);
    }
    std::filesystem::create_directory(destination / "scripts");
    std::filesystem::copy(program("scripts") / "enqueue.sh", destination / "scripts");
}

}  // namespace harness
