#include "nats_server.hpp"

#include <stdexcept>

#ifndef DRAINPIPE_BENCH_NATS

namespace drainpipe::bench {

bool NatsServer::is_there() { return false; }
NatsServer::NatsServer(const std::string&) : port_(0), server_([] {}) {
    throw std::logic_error("libnats was not built in");
}
void NatsServer::make_stream(const std::string&) const {}
void NatsServer::remove_stream(const std::string&) const {}
void NatsServer::fill(const std::string&, std::uint64_t, std::uint64_t) const {}
void NatsServer::wait_until_acknowledged(const std::string&) const {}
std::uint64_t NatsServer::messages(const std::string&) const { return 0; }
void NatsServer::pull(const std::string&, std::uint64_t) const {}
void NatsServer::publish(const std::string&, std::uint64_t, std::uint64_t, Ids) const {}

}  // namespace drainpipe::bench

#else

#include <fcntl.h>
#include <nats/nats.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <thread>

#include "free_port.hpp"

namespace drainpipe::bench {
namespace {

constexpr const char* kServer = "/usr/sbin/nats-server";
constexpr const char* kConsumer = "C";
const std::string kRun = "0123456789abcdef-";  // before a number: as long as our ids are
constexpr int kAtOnce = 1000;  // messages of a fetch: the fastest of 100, 1000 and 5000
constexpr std::int64_t kPatience = 60'000;  // ms

void check(natsStatus status, const char* what) {
    if (status != NATS_OK) {
        throw std::runtime_error(std::string("NATS, ") + what + ": " + natsStatus_GetText(status));
    }
}

void run_server(std::uint16_t port, const std::string& directory) {
    const std::string file = directory + "/nats.conf";
    std::ofstream(file) << "listen: 127.0.0.1:" << port << "\njetstream { store_dir: \""
                        << directory << "/nats\" }\n";
    const int nowhere = ::open("/dev/null", O_RDWR);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    ::execl(kServer, kServer, "-c", file.c_str(), nullptr);
    throw std::runtime_error("cannot run nats-server");
}

// A connection of this process, and its JetStream.
class Client {
  public:
    explicit Client(const std::string& url) {
        check(natsConnection_ConnectTo(&connection_, url.c_str()), "connect");
        jsOptions options;
        jsOptions_Init(&options);
        options.Wait = kPatience;
        options.PublishAsync.MaxPending = NatsServer::kUnanswered;
        check(natsConnection_JetStream(&context_, connection_, &options), "JetStream");
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() {
        jsCtx_Destroy(context_);
        natsConnection_Destroy(connection_);
    }
    jsCtx* context() const { return context_; }

  private:
    natsConnection* connection_ = nullptr;
    jsCtx* context_ = nullptr;
};

void in_a_process(const std::function<void()>& work) { OtherProcess(work).wait(); }

}  // namespace

bool NatsServer::is_there() { return ::access(kServer, X_OK) == 0; }

NatsServer::NatsServer(const std::string& directory)
    : port_(free_port()),
      url_("nats://127.0.0.1:" + std::to_string(port_) + "/"),
      server_([&] { run_server(port_, directory); }) {
    in_a_process([&] {
        for (int tries = 0; tries < 500; ++tries) {
            natsConnection* connection = nullptr;
            if (natsConnection_ConnectTo(&connection, url_.c_str()) == NATS_OK) {
                natsConnection_Destroy(connection);
                return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        throw std::runtime_error("nats-server does not answer");
    });
}

void NatsServer::make_stream(const std::string& name) const {
    in_a_process([&] {
        const Client client(url_);
        jsStreamConfig stream;
        jsStreamConfig_Init(&stream);
        const char* subjects[] = {name.c_str()};
        stream.Name = name.c_str();
        stream.Subjects = subjects;
        stream.SubjectsLen = 1;
        stream.Retention = js_WorkQueuePolicy;
        check(js_AddStream(nullptr, client.context(), &stream, nullptr, nullptr), "add stream");
        jsConsumerConfig consumer;
        jsConsumerConfig_Init(&consumer);
        consumer.Durable = kConsumer;
        consumer.AckPolicy = js_AckExplicit;
        consumer.MaxAckPending = 50'000;
        check(js_AddConsumer(nullptr, client.context(), name.c_str(), &consumer, nullptr, nullptr),
              "add consumer");
    });
}

void NatsServer::remove_stream(const std::string& name) const {
    in_a_process([&] {
        const Client client(url_);
        check(js_DeleteStream(client.context(), name.c_str(), nullptr, nullptr), "delete stream");
    });
}

void NatsServer::fill(const std::string& stream, std::uint64_t count, std::uint64_t bytes) const {
    publish(stream, count, bytes, Ids::none);
}

void NatsServer::wait_until_acknowledged(const std::string& stream) const {
    in_a_process([&] {
        const Client client(url_);
        for (bool is_done = false; !is_done;) {
            jsConsumerInfo* info = nullptr;
            check(js_GetConsumerInfo(&info, client.context(), stream.c_str(), kConsumer, nullptr,
                                     nullptr),
                  "consumer info");
            is_done = info->NumPending == 0 && info->NumAckPending == 0;
            jsConsumerInfo_Destroy(info);
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    });
}

std::uint64_t NatsServer::messages(const std::string& stream) const {
    int ends[2];
    if (::pipe(ends) != 0) {
        throw std::runtime_error("cannot make a pipe");
    }
    in_a_process([&] {
        const Client client(url_);
        jsStreamInfo* info = nullptr;
        check(js_GetStreamInfo(&info, client.context(), stream.c_str(), nullptr, nullptr),
              "stream info");
        const std::uint64_t found = info->State.Msgs;
        jsStreamInfo_Destroy(info);
        [[maybe_unused]] const auto written = ::write(ends[1], &found, sizeof(found));
    });
    std::uint64_t found = 0;
    [[maybe_unused]] const auto size = ::read(ends[0], &found, sizeof(found));
    ::close(ends[0]);
    ::close(ends[1]);
    return found;
}

void NatsServer::pull(const std::string& stream, std::uint64_t count) const {
    in_a_process([&] {
        const Client client(url_);
        natsSubscription* subscription = nullptr;
        jsSubOptions options;
        jsSubOptions_Init(&options);
        options.Stream = stream.c_str();
        check(js_PullSubscribe(&subscription, client.context(), stream.c_str(), kConsumer, nullptr,
                               &options, nullptr),
              "subscribe");
        for (std::uint64_t done = 0; done < count;) {
            natsMsgList list{};
            check(natsSubscription_Fetch(&list, subscription, kAtOnce, kPatience, nullptr),
                  "fetch");
            for (int index = 0; index < list.Count; ++index) {
                check(natsMsg_Ack(list.Msgs[index], nullptr), "acknowledge");
            }
            done += static_cast<std::uint64_t>(list.Count);
            natsMsgList_Destroy(&list);
        }
        natsSubscription_Destroy(subscription);
    });
}

void NatsServer::publish(const std::string& stream, std::uint64_t count, std::uint64_t bytes,
                         Ids ids) const {
    in_a_process([&] {
        const Client client(url_);
        const std::string payload(bytes, 'x');
        for (std::uint64_t number = 1; number <= count; ++number) {
            const std::string id = kRun + std::to_string(number);
            jsPubOptions options;
            jsPubOptions_Init(&options);
            options.MsgId = id.c_str();
            natsStatus status = NATS_TIMEOUT;  // so many are under way that it has waited in vain
            while (status == NATS_TIMEOUT) {
                status = js_PublishAsync(client.context(), stream.c_str(), payload.data(),
                                         static_cast<int>(payload.size()),
                                         ids == Ids::each ? &options : nullptr);
            }
            check(status, "publish");
        }
        jsPubOptions wait;
        jsPubOptions_Init(&wait);
        wait.MaxWait = kPatience;
        check(js_PublishAsyncComplete(client.context(), &wait), "publish all");
    });
}

}  // namespace drainpipe::bench

#endif
