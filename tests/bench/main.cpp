#include <cstdio>
#include <exception>
#include <string_view>

#include "directory.hpp"
#include "nats_rows.hpp"
#include "pipeline_rows.hpp"
#include "sharing_rows.hpp"
#include "stage_rows.hpp"
#include "transport_rows.hpp"
#include "watched_rows.hpp"
#include "work_rows.hpp"

// bench PROGRAMS [--quick] [--ring | --pipeline | --work | --stages | --watched | --nats]
int main(int argc, char** argv) {
    using namespace drainpipe::bench;
    bool is_quick = false;
    bool wants_ring = true;
    bool wants_pipeline = true;
    bool wants_work = true;
    bool wants_stages = true;
    bool wants_watched = true;
    bool wants_nats = true;
    for (int index = 2; index < argc; ++index) {
        const std::string_view argument = argv[index];
        is_quick = is_quick || argument == "--quick";
        const bool is_part = argument == "--ring" || argument == "--pipeline" ||
                             argument == "--work" || argument == "--stages" ||
                             argument == "--watched" || argument == "--nats";
        wants_ring = wants_ring && (!is_part || argument == "--ring");
        wants_pipeline = wants_pipeline && (!is_part || argument == "--pipeline");
        wants_work = wants_work && (!is_part || argument == "--work");
        wants_stages = wants_stages && (!is_part || argument == "--stages");
        wants_watched = wants_watched && (!is_part || argument == "--watched");
        wants_nats = wants_nats && (!is_part || argument == "--nats");
    }
    if (argc < 2) {
        std::fprintf(stderr,
                     "usage: bench PROGRAMS [--quick] [--ring | --pipeline | --work | --stages | "
                     "--watched | --nats]\n");
        return 64;
    }
    try {
        Table table;
        if (wants_ring) {
            const Directory directory;
            const Effort full{.runs = 15, .seconds = 0.1, .round_trips = 20000};
            const Effort quick{.runs = 5, .seconds = 0.05, .round_trips = 5000};
            print_transports(table, is_quick ? quick : full, directory.path());
            print_sharing(table, is_quick ? quick : full);
        }
        if (wants_pipeline) {
            const PipelineEffort full{
                .runs = 5, .events = 5'000'000, .depths = {10'000, 100'000, 1'000'000, 10'000'000}};
            const PipelineEffort quick{.runs = 5, .events = 200'000, .depths = {10'000, 100'000}};
            print_pipeline(table, is_quick ? quick : full, argv[1]);
        }
        if (wants_work) {
            const WorkEffort full{.runs = 5, .commands = 2000, .events = 1'000'000};
            const WorkEffort quick{.runs = 3, .commands = 500, .events = 200'000};
            print_work(table, is_quick ? quick : full, argv[1]);
        }
        if (wants_stages) {
            const StageEffort full{.runs = 15, .events = 60'000'000, .seconds = 0.5};
            const StageEffort quick{.runs = 5, .events = 60'000'000, .seconds = 0.2};
            print_stages(table, is_quick ? quick : full, argv[1]);
        }
        if (wants_watched) {
            const PipelineEffort full{.runs = 9, .events = 5'000'000, .depths = {}};
            const PipelineEffort quick{.runs = 3, .events = 1'000'000, .depths = {}};
            print_watched(table, is_quick ? quick : full, argv[1]);
        }
        if (wants_nats) {
            const NatsEffort full{.runs = 5, .messages = 200'000};
            const NatsEffort quick{.runs = 3, .messages = 50'000};
            print_nats(table, is_quick ? quick : full, argv[1]);
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench: %s\n", error.what());
        return 70;
    }
}
