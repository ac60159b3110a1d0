#include "places.hpp"

#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <vector>

#include "forked.hpp"
#include "scratch_folder.hpp"

using namespace drainpipe;
using drainpipe::test::fork_to_die;
using drainpipe::test::ScratchFolder;
using drainpipe::test::was_killed;

namespace {

// A process that holds a place until it is killed.
class Holder {
  public:
    Holder(const std::filesystem::path& path, Place place) : told_(make_pipe()) {
        pid_ = ::fork();
        if (pid_ == 0) {
            Places places = Places::make(path);
            const char answer = places.take(place) ? 'y' : 'n';
            write_all(told_.write_end.get(), {&answer, 1});
            while (true) {
                ::pause();
            }
        }
        char answer = 0;
        has_it_ = ::read(told_.read_end.get(), &answer, 1) == 1 && answer == 'y';
    }
    ~Holder() { end(); }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    pid_t pid() const { return pid_; }
    bool has_it() const { return has_it_; }
    void end() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            was_killed(pid_);
            pid_ = 0;
        }
    }

  private:
    Pipe told_;
    pid_t pid_ = 0;
    bool has_it_ = false;
};

}  // namespace

TEST_SUITE("places") {
    TEST_CASE("places: one process at a time has a place, and others see who") {
        const ScratchFolder folder;
        const auto path = folder.path() / "name.lock";
        const Holder holder(path, Place::producer);
        REQUIRE(holder.has_it());

        Places places = Places::make(path);
        CHECK_FALSE(places.take(Place::producer));
        CHECK(places.holder(Place::producer) == holder.pid());
        CHECK(places.stage_holder() == holder.pid());
        CHECK(places.take(Place::launcher));
        CHECK_FALSE(places.holder(Place::consumer));
    }

    TEST_CASE("places: all who hold a stage's place are found, in the order of the places") {
        const ScratchFolder folder;
        const auto path = folder.path() / "name.lock";
        const Places places = Places::make(path);
        CHECK(places.stage_holders().empty());
        const Holder third(path, consumer_place(2));
        const Holder launcher(path, Place::launcher);
        const Holder first(path, consumer_place(0));
        const Holder last(path, consumer_place(63));
        const Holder producer(path, Place::producer);
        const Holder second(path, consumer_place(1));
        CHECK(places.stage_holders() ==
              std::vector{producer.pid(), first.pid(), second.pid(), third.pid(), last.pid()});
    }

    TEST_CASE("places: a killed holder's place is free at once, whatever the file says") {
        const ScratchFolder folder;
        const auto path = folder.path() / "name.lock";
        std::ofstream{path} << "12345 somebody's pid\n";
        for (int round = 0; round < 20; ++round) {
            Holder holder(path, Place::launcher);
            REQUIRE(holder.has_it());
            holder.end();
            Places places = Places::make(path);
            CHECK(places.take(Place::launcher));
        }
    }

    TEST_CASE("places: a lock file that was removed is nobody's any more") {
        const ScratchFolder folder;
        const auto path = folder.path() / "name.lock";
        const Places places = Places::make(path);
        CHECK(places.is_current());
        places.remove_file();
        CHECK_FALSE(places.is_current());
        CHECK_FALSE(Places::find(path));
        std::ofstream{path};
        CHECK_FALSE(places.is_current());
    }
}
