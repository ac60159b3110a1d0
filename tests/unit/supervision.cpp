#include "supervision.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <thread>

using namespace drainpipe;

TEST_SUITE("supervision") {
    TEST_CASE("supervision: a child's record is read as it was written") {
        const auto record = std::make_unique<ChildRecord>();
        CHECK(record->read() == ChildRecord::Content{});
        const ChildRecord::Content started{4'194'303, ChildState::starting, 17, 3};
        record->write(started);
        CHECK(record->read() == started);
        const ChildRecord::Content running{4'194'303, ChildState::running, 17, 3};
        record->write(running);
        CHECK(record->read() == running);
        record->reset();
        CHECK(record->read() == ChildRecord::Content{});
    }

    TEST_CASE("supervision: who reads beside the writer gets what belongs together") {
        const auto record = std::make_unique<ChildRecord>();
        std::atomic<bool> is_over = false;
        std::jthread writer([&] {
            for (std::int32_t pid = 1; pid < 200'000; ++pid) {
                record->write({pid, ChildState::running, pid * 7, static_cast<std::uint32_t>(pid)});
            }
            is_over = true;
        });
        std::uint64_t torn = 0;
        while (!is_over) {
            const ChildRecord::Content content = record->read();
            const bool is_whole = content.started_at == content.pid * 7 &&
                                  content.restarts == static_cast<std::uint32_t>(content.pid);
            torn += is_whole ? 0 : 1;
        }
        CHECK(torn == 0);
    }

    TEST_CASE("supervision: every reason to stop has its word") {
        CHECK(to_text(StopReason::sigterm) == std::string("SIGTERM"));
        CHECK(to_text(StopReason::lock_removed) == std::string("lock-removed"));
        CHECK(to_text(static_cast<StopReason>(99)) == std::string("unknown"));
    }
}
