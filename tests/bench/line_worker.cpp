// A worker as one writes it in C: a line in, a line out, flushed.

#include <cstdio>
#include <cstdlib>
#include <cstring>

int main() {
    char* line = nullptr;
    std::size_t room = 0;
    while (::getline(&line, &room, stdin) > 0) {
        line[std::strcspn(line, " ")] = '\0';
        std::printf("ok %s\n", line);
        std::fflush(stdout);
    }
    std::free(line);
    return 0;
}
