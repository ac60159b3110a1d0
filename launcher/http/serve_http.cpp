#include "serve_http.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "gauge.hpp"
#include "http_paths.hpp"
#include "http_server.hpp"
#include "signals.hpp"
#include "status_of.hpp"

namespace drainpipe {
namespace {

constexpr int kLowPriority = 10;

}  // namespace

ExitCode serve_http(const std::string& name) {
    const Descriptor signals = claim_signals({SIGTERM});
    for (const int of_the_launcher : {SIGHUP, SIGINT, SIGQUIT}) {
        ::signal(of_the_launcher, SIG_IGN);
    }
    ::prctl(PR_SET_NAME, "drainpipe-http");  // who signals launchers by name means others
    ::setpriority(PRIO_PROCESS, 0, kLowPriority);
    const Gauge gauge(name);
    HttpServer server(Descriptor(STDIN_FILENO), [&](std::string_view path) {
        return answer_of(path, status_of(name, gauge.front()));
    });
    server.run(signals.get());
    return ExitCode::done;
}

}  // namespace drainpipe
