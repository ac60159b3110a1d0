#include <stdexcept>

#include "drainpipe/source.hpp"
#include "nats_source.hpp"

int main(int argc, char** argv) {
    return drainpipe::run_source(argc, argv, [](drainpipe::SourceIntake& intake) {
        try {
            drainpipe::nats::NatsSource(intake).run();
        } catch (const std::invalid_argument& error) {
            intake.refuse(64, error.what());
        } catch (const drainpipe::nats::UnusableFile& error) {
            intake.refuse(73, error.what());
        }
    });
}
