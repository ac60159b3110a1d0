// A consumer of a user's, or a producer: with every part of the library that has to be linked.

#include <cstdint>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

#include "drainpipe/consumer.hpp"
#include "drainpipe/producer.hpp"
#include "drainpipe/status.hpp"
#include "drainpipe/testing.hpp"
#include "drainpipe/version.hpp"

static_assert(__cplusplus == 201703L, "C++17 is enough");

namespace {

struct Reading {
    std::uint64_t sensor;
    double value;
};

drainpipe::Outcome handle(const drainpipe::Event& event) {
    const auto& reading = event.as<Reading>();
    return reading.value < 0 ? drainpipe::dead("below zero")
                             : drainpipe::done(std::to_string(reading.sensor));
}

drainpipe::Outcome handle_batch(const drainpipe::Batch& batch) {
    double sum = 0;
    for (const drainpipe::Event& event : batch) {
        sum += event.as<Reading>().value;
    }
    return drainpipe::done(std::to_string(sum));
}

void handle_async(drainpipe::Token token) {
    drainpipe::Outcome outcome = handle(token.event());
    token.settle(std::move(outcome));
}

void read_sensors(drainpipe::Intake& intake) {
    for (std::uint64_t sensor = intake.last_id(); !intake.is_closing(); ++sensor) {
        intake.push(Reading{sensor, 0.5});
        intake.try_push("a payload");
    }
}

// In memory: the handler of this program, with a kill.
bool handles_readings() {
    drainpipe::testing::Pipeline pipeline(handle);
    pipeline.intake().push(Reading{1, 0.5});
    pipeline.intake().push(Reading{2, -0.5});
    pipeline.kill_after(1);
    pipeline.run();
    return pipeline.is_committed(1) && pipeline.dead_letters().size() == 1 &&
           pipeline.status().processed == 1;
}

int print_status(const std::string& name) {
    try {
        std::cout << drainpipe::read_status(name).accepted << '\n';
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

}  // namespace

int main(int argc, char** argv) {
    const char* const role = argc > 1 ? argv[1] : "";
    if (std::strcmp(role, "status") == 0 && argc > 2) {
        return print_status(argv[2]);
    }
    if (std::strcmp(role, "testing") == 0) {
        std::cout << (handles_readings() ? "handled" : "not handled") << '\n';
        return 0;
    }
    if (std::strcmp(role, "version") == 0) {
        std::cout << drainpipe::version() << ' ' << drainpipe::kVersionMajor << '.'
                  << drainpipe::kVersionMinor << '.' << drainpipe::kVersionPatch << '\n';
        return drainpipe::layout_version() > 0 ? 0 : 1;
    }
    if (std::strcmp(role, "producer") == 0) {
        argv[1] = argv[0];
        return drainpipe::produce(argc - 1, argv + 1, read_sensors);
    }
    if (std::strcmp(role, "async") == 0) {
        argv[1] = argv[0];
        return drainpipe::consume_async(argc - 1, argv + 1, handle_async);
    }
    if (std::strcmp(role, "batches") == 0) {
        argv[1] = argv[0];
        return drainpipe::consume_batches(argc - 1, argv + 1, handle_batch, 1000);
    }
    return drainpipe::consume(argc, argv, handle);
}
