// The end of a chain of two pipelines: writes a line `run id payload` for each event to a file.
//
//     launcher --name second --consumer ./recorder
//     launcher --name first --forward second
//
// A line is written before its event is done, so that a kill repeats lines and loses none. The last
// line may be cut by a kill; the next process removes it, and its event comes again.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "drainpipe/consumer.hpp"

namespace {

// Removes what is behind the last newline.
void remove_cut_line(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!text.empty() && text.back() != '\n') {
        std::filesystem::resize_file(path, text.rfind('\n') + 1);  // npos + 1 is 0
    }
}

}  // namespace

int main(int argc, char** argv) {
    const char* const variable = std::getenv("RECORDER_FILE");
    const std::string path = variable == nullptr ? "recorded" : variable;
    int fd = -1;

    return drainpipe::consume(argc, argv, [&](const drainpipe::Event& event) {
        if (fd < 0) {  // here no other process has this consumer's place any more
            remove_cut_line(path);
            fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        }
        std::string line(event.run());
        line += ' ' + std::to_string(event.id()) + ' ';
        line += event.payload();
        line += '\n';
        if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
            throw std::system_error(errno, std::generic_category(), "cannot write " + path);
        }
        return drainpipe::done();
    });
}
