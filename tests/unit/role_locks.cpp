#include "role_locks.hpp"

#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <vector>

#include "forked.hpp"
#include "scratch_directory.hpp"

using namespace drainpipe;
using drainpipe::test::fork_to_die;
using drainpipe::test::ScratchDirectory;
using drainpipe::test::was_killed;

namespace {

// A process that holds a role until it is killed.
class Holder {
  public:
    Holder(const std::filesystem::path& path, Role role) : told_(make_pipe()) {
        pid_ = ::fork();
        if (pid_ == 0) {
            RoleLocks role_locks = RoleLocks::make(path);
            const char answer = role_locks.take(role) ? 'y' : 'n';
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

TEST_SUITE("role_locks") {
    TEST_CASE("role_locks: one process at a time has a role, and others see who") {
        const ScratchDirectory directory;
        const auto path = directory.path() / "name.lock";
        const Holder holder(path, Role::producer);
        REQUIRE(holder.has_it());

        RoleLocks role_locks = RoleLocks::make(path);
        CHECK_FALSE(role_locks.take(Role::producer));
        CHECK(role_locks.holder(Role::producer) == holder.pid());
        CHECK(role_locks.stage_holder() == holder.pid());
        CHECK(role_locks.take(Role::launcher));
        CHECK_FALSE(role_locks.holder(Role::consumer));
    }

    TEST_CASE("role_locks: all who hold a stage's role are found, in the order of the role_locks") {
        const ScratchDirectory directory;
        const auto path = directory.path() / "name.lock";
        const RoleLocks role_locks = RoleLocks::make(path);
        CHECK(role_locks.stage_holders().empty());
        const Holder third(path, consumer_role(2));
        const Holder launcher(path, Role::launcher);
        const Holder first(path, consumer_role(0));
        const Holder last(path, consumer_role(63));
        const Holder producer(path, Role::producer);
        const Holder second(path, consumer_role(1));
        CHECK(role_locks.stage_holders() ==
              std::vector{producer.pid(), first.pid(), second.pid(), third.pid(), last.pid()});
    }

    TEST_CASE("role_locks: a killed holder's role is free at once, whatever the file says") {
        const ScratchDirectory directory;
        const auto path = directory.path() / "name.lock";
        std::ofstream{path} << "12345 somebody's pid\n";
        for (int round = 0; round < 20; ++round) {
            Holder holder(path, Role::launcher);
            REQUIRE(holder.has_it());
            holder.end();
            RoleLocks role_locks = RoleLocks::make(path);
            CHECK(role_locks.take(Role::launcher));
        }
    }

    TEST_CASE("role_locks: a lock file that was removed is nobody's any more") {
        const ScratchDirectory directory;
        const auto path = directory.path() / "name.lock";
        const RoleLocks role_locks = RoleLocks::make(path);
        CHECK(role_locks.is_current());
        role_locks.remove_file();
        CHECK_FALSE(role_locks.is_current());
        CHECK_FALSE(RoleLocks::find(path));
        std::ofstream{path};
        CHECK_FALSE(role_locks.is_current());
    }
}
