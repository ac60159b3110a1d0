#include <doctest/doctest.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "fault_plan.hpp"
#include "scenarios.hpp"
#include "scratch_segment.hpp"
#include "source_points.hpp"

using namespace drainpipe;
using namespace drainpipe::test;

namespace {

const std::string kShm = std::string(DRAINPIPE_SOURCES) + "/shm";

const SharedNames& names_of_ring() {
    static const SharedNames names = names_in_sources(kShm);
    return names;
}

// The points that all scenarios reach, with those of making a segment.
std::set<PointName> all_reached() {
    std::set<PointName> reached;
    for (const Scenario& scenario : scenarios()) {
        walk_through(scenario, reached);
    }
    FaultPlan& plan = FaultPlan::current();
    plan.remember();
    { const ScratchSegment made("made", 16, 400); }
    reached.insert(plan.reached().begin(), plan.reached().end());
    plan.die_at(0);
    return reached;
}

// What is a store in these lines, behind a point on the line before them or not.
std::vector<SourceStore> stores_of(const std::string& lines) {
    std::istringstream text(lines);
    return stores_in_file(SourceFile("sample.cpp", text), names_of_ring());
}

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("fault: no store in the sources is without a point that was reached") {
        const std::set<PointName> reached = all_reached();
        const std::vector<SourceStore> stores = stores_in_sources(kShm, names_of_ring());
        CHECK(stores.size() > 90);
        int exceptions = 0;
        for (const SourceStore& store : stores) {
            CAPTURE(store.where);
            CAPTURE(store.code);
            CAPTURE(store.shape.target);
            CHECK(store.is_covered_by(reached) == store.exception.empty());
            exceptions += store.exception.empty() ? 0 : 1;
        }
        CHECK(exceptions == 1);
    }

    TEST_CASE("fault: what programs store in the segment is in words, which have their points") {
        std::set<std::string> targets;
        for (const std::string room : {"common", "consumer", "launcher", "producer"}) {
            for (const SourceStore& store :
                 stores_in_sources(std::string(DRAINPIPE_SOURCES) + "/" + room, names_of_ring())) {
                if (store.shape.is_of_segment) {
                    CAPTURE(store.where);
                    CAPTURE(store.code);
                    CHECK(store.shape.kind == StoreShape::Kind::call);
                    CHECK(store.shape.is_of_word);
                    targets.insert(store.shape.target);
                }
            }
        }
        CHECK(targets == std::set<std::string>{"may_be_cut", "segment_.header().log_lines_lost",
                                               "segment_.header().phase",
                                               "segment_.header().stop_deadline"});
    }

    TEST_CASE("fault: a store is known by its shape, whatever it is spelled like") {
        for (const std::string lines : {
                 "header().settings.partition_by = 1;",
                 "segment_.slot(tail_) = Slot{};",
                 "header_->ledgers[0].head += 2;",
                 "++header_->settings.consumers;",
                 "header_->ledgers[1].seats_used--;",
                 "segment.attempts(event)++;",
                 "attempts_[event & slot_mask_] = 0;",
                 "*marks_ = mark;",
                 "marks().set(event, mark);",
                 "header().tail.store(3);",
                 "header().begun[consumer_].store(1);",
                 "rings_ = 0;",
                 "change->head = 1;",
                 "(*change).head = 1;",
                 "change.seat(consumer_).unmet = 1;",
                 "if (is_first) header_->header_bytes = 0;",
                 "std::memset(marks_ + place, 0, 8);",
                 "std::memcpy(\n    segment_.bytes_at(begin),\n    text.data(), 4);",
                 "std::ranges::copy(text, segment_.bytes_at(begin));",
                 "*reinterpret_cast<char*>(segment_.bytes_at(0)) = 1;",
                 "new (header_) Header{};",
                 "Header& header = segment.header();\nheader.magic = kMagic;",
                 "Settings& settings = header_->settings;\nsettings.partition_by = 1;",
                 "auto& events = header_->ledgers[0].done;\nevents[0] = 1;",
                 "for (Slot& slot : segment_.slots(piece)) {\nslot.length = 0;\n}",
                 "const std::span<Slot> places = segment_.slots(piece);\nplaces[1] = Slot{};",
                 "char* const to = segment_.bytes_at(begin);\nto[0] = letter;",
                 "void set_back(Seat& seat,\n              int by) {\n    seat.unmet -= by;\n}",
             }) {
            CAPTURE(lines);
            const std::string sample = "LedgerChange change(segment_);\n" + lines;
            CHECK(stores_of(sample).size() == 1);
        }
    }

    TEST_CASE("fault: what only reads the segment, or changes something else, is no store") {
        for (const std::string lines : {
                 "const Header& header = segment_.header();",
                 "Header& header = segment_.header();",
                 "const Settings& settings = header_->settings;",
                 "slots_ = reinterpret_cast<Slot*>(front + shape.slots_offset());",
                 "if (header().tail.load() == 3) {\n}",
                 "const bool is_new = segment_.attempts(event) <= 1;",
                 "tail_ = header().tail.load();",
                 "local[header().shape.slots] = 1;",
                 "std::memcpy(&found, marks_ + length, sizeof found);",
                 "Ledger ledger = read_ledger(header());\nledger.head = 1;",
                 "const Slot& last = segment_.slot(tail_ - 1);\nend_ = last.begin + last.length;",
                 "void wait(std::uint64_t limit = header().shape.slots);",
                 "// header().magic = kMagic;",
                 "throw SegmentUnusable(\"header().magic = kMagic\");",
             }) {
            CAPTURE(lines);
            CHECK(stores_of(lines).empty());
        }
    }

    TEST_CASE("fault: a store is covered by a point on its lines or all of the statement before") {
        const std::string store = "header_->settings.partition_by = 1;";
        const std::string point = "FaultPoint::here().reached();";
        const std::set<PointName> first{"sample.cpp:1"};
        CHECK(stores_of(point + "\n" + store).front().is_covered_by(first));
        CHECK(stores_of("header_->tail.store(3);").front().is_covered_by(first));
        CHECK_FALSE(stores_of(point + "\n" + store).front().is_covered_by({}));
        CHECK_FALSE(stores_of(point + "\n\nhead_ = 1;\n" + store).front().is_covered_by(first));
        CHECK_FALSE(stores_of("header_->tail.store(3);\n" + store).back().is_covered_by(first));
    }
}
