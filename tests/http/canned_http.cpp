// Serves a pipeline that is not there, whose figures are known, for programs that watch one:
//   canned_http ADDRESS
// prints where ("http=127.0.0.1:34567"), and serves until SIGTERM.

#include <unistd.h>

#include <csignal>
#include <iostream>

#include "canned_status.hpp"
#include "failure.hpp"
#include "http_address.hpp"
#include "http_listener.hpp"
#include "http_paths.hpp"
#include "http_server.hpp"
#include "signals.hpp"

int main(int argc, char** argv) {
    using namespace drainpipe;
    return run_program("canned_http", [&] {
        if (argc != 2) {
            throw Failure(ExitCode::usage, "wants an address");
        }
        const Descriptor signals = claim_signals({SIGTERM, SIGINT});
        const HttpListener listener(parse_http_address("ADDRESS", argv[1]));
        std::cout << "http=" << listener.address().describe() << std::endl;
        HttpServer server(Descriptor(::dup(listener.fd())), [](std::string_view path) {
            return answer_of(path, test::canned_status());
        });
        server.run(signals.get());
        return ExitCode::done;
    });
}
