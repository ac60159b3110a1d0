#include "work_rows.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "directory.hpp"
#include "numbered_lines.hpp"
#include "stopwatch.hpp"

namespace drainpipe::bench {
namespace {

// The naive one: it splits the line, and prints with flush.
constexpr const char* kPythonWorker =
    "import sys\n"
    "for line in sys.stdin:\n"
    "    id, attempt, payload = line.rstrip('\\n').split(' ', 2)\n"
    "    print('ok', id, flush=True)\n";

struct Job {
    double seconds;
    double peak_mib;  // of the largest of its processes
};

// A line of shell in that directory; throws unless it ends well.
Job run_job(const Directory& directory, const std::string& line) {
    const Stopwatch watch;
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (::chdir(directory.path().c_str()) == 0) {
            ::execl("/bin/sh", "sh", "-c", ("exec " + line).c_str(), nullptr);
        }
        ::_exit(127);
    }
    int status = 0;
    rusage usage{};
    if (pid < 0 || ::wait4(pid, &status, 0, &usage) != pid || status != 0) {
        throw std::runtime_error("did not end well: " + line);
    }
    return {watch.seconds(), static_cast<double>(usage.ru_maxrss) / 1024};
}

bool is_there(const Directory& directory, const std::string& program) {
    const std::string line = "cd " + directory.path() + "; command -v " + program + " >/dev/null";
    return std::system(line.c_str()) == 0;
}

class Jobs {
  public:
    Jobs(const Directory& directory, const std::string& programs)
        : directory_(directory),
          launcher_(programs + "/launcher --name dp-bench-" + std::to_string(::getpid()) +
                    " --run-dir run --log-dir log --from ") {}

    Job ours(const std::string& file, const std::string& flags) {
        std::filesystem::remove_all(directory_.file("log"));
        return run_job(directory_, launcher_ + file + " " + flags + " >output 2>errors");
    }
    double peer(const std::string& line) { return run_job(directory_, line).seconds; }

  private:
    const Directory& directory_;
    std::string launcher_;
};

struct CommandCase {
    std::string what;
    std::string ours;      // after --exec
    std::string xargs;     // after xargs -P2
    std::string parallel;  // after parallel -j2
    std::uint64_t share;   // of the commands: the slow ones are fewer
    Target beside_xargs;
    Target beside_parallel;
};

void print_command(Table& table, const WorkEffort& effort, Jobs& jobs, const Directory& directory,
                   const CommandCase& one) {
    const std::uint64_t count = std::max<std::uint64_t>(effort.commands / one.share, 50);
    const std::uint64_t few = std::max<std::uint64_t>(count / 8, 20);
    write_numbers(directory.file("lines"), count);
    write_numbers(directory.file("few"), few);
    const bool has_parallel = is_there(directory, "parallel");
    Figure ours;
    Figure xargs;
    Figure parallel;
    for (int run = 0; run < effort.runs; ++run) {
        const auto rate = [](std::uint64_t commands, double seconds) {
            return static_cast<double>(commands) / seconds;
        };
        ours.add(rate(count, jobs.ours("lines", "--jobs 2 --exec " + one.ours).seconds));
        xargs.add(rate(count, jobs.peer("xargs -P2 " + one.xargs + " <lines >output")));
        if (has_parallel) {
            parallel.add(rate(few, jobs.peer("parallel --will-cite -j2 " + one.parallel +
                                             " <few >output 2>errors")));
        }
    }
    table.compare(one.what, "jobs/s", ours, "xargs -P2", xargs, one.beside_xargs);
    table.compare(one.what, "jobs/s", ours, "GNU parallel -j2", parallel, one.beside_parallel);
}

void print_commands(Table& table, const WorkEffort& effort, const std::string& programs) {
    const Directory directory;
    Jobs jobs(directory, programs);
    std::ofstream(directory.file("page")) << std::string(4096, 'x');
    table.section("Commands, two at once, a whole job from a file",
                  "ours keeps all output apart and logs each; xargs passes it on as it comes");
    const std::vector<CommandCase> cases{
        {"true", "true", "-n1 true", "true", 1, {false, 1.2, 1.8}, {false, 8.0, 8.0}},
        {"echo, its output captured",
         "'echo \"$1\"'",
         "-n1 echo",
         "echo",
         1,
         {false, 1.2, 1.8},
         {false, 8.0, 8.0}},
        {"sleep 0.01",
         "'sleep 0.01'",
         "-I{} sleep 0.01",
         "'sleep 0.01; :'",
         4,
         {false, 0.95, 1.0},
         {false, 1.0, 4.0}},
        {"gzip of 4 KiB",
         "'gzip -c page'",
         "-I{} gzip -c page",
         "'gzip -c page; :'",
         2,
         {false, 1.0, 1.2},
         {false, 8.0, 8.0}},
    };
    for (const CommandCase& one : cases) {
        print_command(table, effort, jobs, directory, one);
    }
}

// Events a second that a loop gets through the worker which does nothing but write a line and read
// the answer to it: what one at a time can be at most.
double ping_pong(const std::string& worker, std::uint64_t events) {
    int to_worker[2];
    int from_worker[2];
    if (::pipe(to_worker) != 0 || ::pipe(from_worker) != 0) {
        throw std::runtime_error("cannot make a pipe");
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::dup2(to_worker[0], 0);
        ::dup2(from_worker[1], 1);
        for (const int fd : {to_worker[0], to_worker[1], from_worker[0], from_worker[1]}) {
            ::close(fd);
        }
        ::execl(worker.c_str(), worker.c_str(), nullptr);
        ::_exit(127);
    }
    ::close(to_worker[0]);
    ::close(from_worker[1]);
    char answer[64];
    const Stopwatch watch;
    for (std::uint64_t event = 0; event < events; ++event) {
        if (::write(to_worker[1], "1 1 x\n", 6) != 6 ||
            ::read(from_worker[0], answer, sizeof answer) <= 0) {
            throw std::runtime_error("the worker does not answer");
        }
    }
    const double seconds = watch.seconds();
    ::close(to_worker[1]);
    ::close(from_worker[0]);
    ::waitpid(pid, nullptr, 0);
    return static_cast<double>(events) / seconds;
}

// Lines as a worker gets them.
void write_worker_lines(const std::string& path, std::uint64_t count) {
    std::ofstream file(path);
    for (std::uint64_t id = 1; id <= count; ++id) {
        file << id << " 1 " << id << '\n';
    }
}

void print_workers(Table& table, const WorkEffort& effort, const std::string& programs) {
    const Directory directory;
    Jobs jobs(directory, programs);
    std::ofstream(directory.file("worker.py")) << kPythonWorker;
    const std::string fast_worker = programs + "/line_worker";
    write_numbers(directory.file("lines"), effort.events);
    write_worker_lines(directory.file("worker_lines"), effort.events);
    const std::uint64_t few = effort.events / 5;
    write_numbers(directory.file("few"), few);
    Figure python;
    Figure python_pipe;
    Figure fast;
    Figure fast_pipe;
    Figure single;
    Figure ping;
    Figure memory;
    Figure memory_of_few;
    for (int run = 0; run < effort.runs; ++run) {
        const auto rate = [](std::uint64_t events, double seconds) {
            return static_cast<double>(events) / seconds;
        };
        const std::string quiet = "--log-events off --worker ";
        python.add(rate(effort.events, jobs.ours("lines", quiet + "'python3 worker.py'").seconds));
        python_pipe.add(
            rate(effort.events, jobs.peer("sh -c 'cat worker_lines | python3 worker.py >output'")));
        const Job job = jobs.ours("lines", quiet + fast_worker);
        fast.add(rate(effort.events, job.seconds));
        memory.add(job.peak_mib);
        memory_of_few.add(jobs.ours("few", quiet + fast_worker).peak_mib);
        fast_pipe.add(rate(effort.events, jobs.peer("sh -c 'cat worker_lines | " + fast_worker +
                                                    " | cat >output'")));
        ping.add(ping_pong(fast_worker, few));
        single.add(rate(few, jobs.ours("few", "--window 1 " + quiet + fast_worker).seconds));
    }
    table.section("Workers, one, a whole job from a file",
                  std::to_string(effort.events) + " lines, no record for each");
    table.compare("Python, print with flush, window 256", "events/s", python, "cat | it",
                  python_pipe, {false, 1.0, 1.2});
    table.compare("C++, printf and fflush, window 256", "events/s", fast, "cat | it | cat",
                  fast_pipe, {false, 0.5, 1.0});
    table.compare("C++, one at a time (--window 1)", "events/s", single, "a loop with two pipes",
                  ping, {false, 0.9, 0.9});
    table.state("peak memory of the largest process", "MiB", memory);
    table.state("the same of a fifth of the lines", "MiB", memory_of_few);
}

}  // namespace

void print_work(Table& table, const WorkEffort& effort, const std::string& programs) {
    print_commands(table, effort, programs);
    print_workers(table, effort, programs);
}

}  // namespace drainpipe::bench
