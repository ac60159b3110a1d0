#include "option_texts.hpp"

#include "credentials.hpp"
#include "failure.hpp"

namespace drainpipe {
namespace {

void describe_work(CommandLine& line, OptionTexts& texts) {
    line.add_option("exec", texts.exec, "CMD",
                    "Run CMD for each event, its payload on standard input and in \"$1\"");
    line.add_option("worker", texts.worker, "CMD",
                    "Start CMD once: it gets a line for each event, and answers with one");
    line.add_option("forward", texts.forward, "NAME",
                    "Put each event into the pipeline NAME of this host");
    line.add_option("consumer", texts.consumer, "PATH",
                    "Your own consumer, a program with <drainpipe/consumer.hpp>, does the work");
    line.add_option("jobs", texts.jobs, "N",
                    "Commands at once, or workers, of each consumer, 1 to 1024 [1]");
    line.add_option("batch", texts.batch, "N", "With --exec: up to N events for one run [1]");
    line.add_option("batch-wait", texts.batch_wait, "DURATION",
                    "A part of a batch goes when its first event is so old [50ms]");
    line.add_option("window", texts.window, "N",
                    "With --worker or --consumer: events that one may have unanswered [256]");
    line.add_option("worker-format", texts.worker_format, "plain|json",
                    "With --worker: json takes payloads with newlines [plain]");
    line.add_option("timeout", texts.timeout, "DURATION",
                    "A run, or an event without an answer, that takes longer fails [none]");
    line.add_option("retries", texts.retries, "N", "Tries after the first one, 0 to 250 [3]");
    line.add_option("backoff", texts.backoff, "DURATION",
                    "Pause before the first retry, doubled each time [100ms]");
    line.add_option("backoff-max", texts.backoff_max, "DURATION", "The longest pause [30s]");
    line.add_option("rate", texts.rate, "N/s|N/m|N/h",
                    "Events begun per second, minute or hour, by all consumers [none]");
    line.add_option(
        "from", texts.from, "FILE",
        "The events are the lines of FILE ('-': standard input): stop when all are done");
    line.add_option("producer", texts.producer, "PATH",
                    "Your own producer, a program with <drainpipe/producer.hpp>, has the events");
    line.add_switch("socket", texts.socket, "With --producer: clients can enqueue beside it");
}

void describe_engines(CommandLine& line, OptionTexts& texts) {
    line.add_option("source", texts.source, "URL",
                    "The events are messages of another engine, acknowledged when they are done: "
                    "nats://HOST:PORT/STREAM/CONSUMER");
    line.add_option("source-timeout", texts.source_timeout, "DURATION",
                    "With --source: end with 69 where it can't be reached for so long [none]");
    line.add_switch("give-back", texts.give_back,
                    "With --source: a stop gives back what it can't do in time");
    line.add_option("sink", texts.sink, "URL",
                    "What the work writes, else the payload, goes there: nats://HOST:PORT/SUBJECT");
    line.add_option("nats-ca", texts.nats_ca, "FILE",
                    "Certificates of authorities, for tls:// [the system's]");
    line.add_option("nats-cert", texts.nats_cert, "FILE", "This client's certificate, for tls://");
    line.add_option("nats-key", texts.nats_key, "FILE", "The key of that certificate");
    line.add_option("nats-creds", texts.nats_creds, "FILE",
                    "Credentials of a NATS user, as nsc makes them");
}

}  // namespace

void describe_options(CommandLine& line, OptionTexts& texts) {
    line.add_config_file();
    line.add_address(texts.name, texts.run_directory);
    line.add_option("log-dir", texts.log_directory, "DIR", "Directory of info.log and dead.ndjson");
    line.add_option("grace", texts.grace, "DURATION", "From the stop request to SIGKILL");
    line.add_option("max-demand", texts.max_demand, "N",
                    "Most events in flight to one consumer [1000; with --exec what its jobs take]");
    line.add_option("min-demand", texts.min_demand, "N",
                    "Ask again when this many are left [half of --max-demand]");
    line.add_option("capacity", texts.capacity, "EVENTS", "Events that the ring can hold");
    line.add_option("buffer-size", texts.buffer_size, "BYTES",
                    "Payload bytes that the ring can hold");
    line.add_option("event-delay", texts.event_delay, "DURATION", "Simulated work per event");
    line.add_option("socket-mode", texts.socket_mode, "MODE", "Permissions of the intake's socket");
    line.add_option("socket-group", texts.socket_group, "GROUP",
                    "Group of the socket; the run directory is 0750 of it then");
    line.add_option("log-events", texts.log_events, "all|N/s|off",
                    "Records of events: one for each, so many a second at most, or none");
    line.add_option("consumers", texts.consumers, "N", "Consumer processes, 1 to 64");
    line.add_option("dispatch", texts.dispatch, "demand|broadcast",
                    "Each event to one consumer, or to every one");
    line.add_option("partition-by", texts.partition_by, "FIELD",
                    "Events that agree in this field of the payload, from 1, are done in order");
    line.add_option("partition-delimiter", texts.partition_delimiter, "CHAR",
                    "Between fields [white space]");
    describe_work(line, texts);
    describe_engines(line, texts);
    line.add_option("http", texts.http, "ADDRESS:PORT|unix:PATH",
                    "Serve /metrics, /status, /healthz and /readyz there");
    line.add_option("color", texts.color, "auto|always|never",
                    "Colours on standard error; auto: on a terminal, unless NO_COLOR is set");
    line.add_switch("quiet", texts.quiet, "On standard error errors and the summary alone");
    line.add_switch("discard", texts.discard, "At start, throw away what an earlier run left");
}

void refuse(const CommandLine& line, const std::string& flag, const std::string& value,
            const std::string& why) {
    throw Failure(ExitCode::usage, line.origin(flag) + ": '" + value + "' " + why);
}

void refuse_url(const CommandLine& line, const std::string& flag, const std::string& url,
                const std::string& why) {
    refuse(line, flag, without_credentials(url), why);
}

std::filesystem::path program_of(const CommandLine& line, const std::string& flag,
                                 const std::string& path, std::size_t most) {
    std::filesystem::path program = std::filesystem::absolute(path);
    if (program.native().size() >= most) {
        refuse(line, flag, path, "is too long");
    }
    return program;
}

}  // namespace drainpipe
