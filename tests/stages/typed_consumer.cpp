// A consumer of typed events: it reads each in place and, with OWN_PRINTS, puts its number out.

#include <cstdlib>
#include <string>

#include "drainpipe/consumer.hpp"
#include "reading.hpp"

int main(int argc, char** argv) {
    const bool prints = std::getenv("OWN_PRINTS") != nullptr;
    return drainpipe::consume(argc, argv, [prints](const drainpipe::Event& event) {
        const Reading& reading = event.as<Reading>();
        if (reading.check != ~reading.number) {
            return drainpipe::dead("torn");
        }
        return prints ? drainpipe::done(std::to_string(reading.number)) : drainpipe::done();
    });
}
