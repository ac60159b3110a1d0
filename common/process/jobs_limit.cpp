#include "jobs_limit.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>

#include <string>

#include "failure.hpp"

namespace drainpipe {
namespace {

// What a job has open, and while it is started; what the program has besides.
constexpr rlim_t kDescriptorsOfJob = 4;
constexpr rlim_t kDescriptorsBesides = 40;

}  // namespace

void require_descriptors_for(std::uint32_t jobs) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t needed = kDescriptorsOfJob * jobs + kDescriptorsBesides;
    if (limit.rlim_cur < needed) {
        throw Failure(ExitCode::system,
                      "--jobs " + std::to_string(jobs) + " needs " + std::to_string(needed) +
                          " descriptors and the limit is " + std::to_string(limit.rlim_cur) +
                          ": raise it (ulimit -n), or lower --jobs");
    }
}

Descriptor make_epoll_descriptor() {
    Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll.is_open()) {
        throw_errno("cannot make an epoll descriptor");
    }
    return epoll;
}

}  // namespace drainpipe
