#include "zmq_transport.hpp"

#include <zmq.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>

namespace drainpipe::bench {
namespace {

std::string free_address(const std::string& directory) {
    static std::atomic<int> count{0};
    return "ipc://" + directory + "/zmq-" + std::to_string(++count);
}

void check_result(int result, const char* action) {
    if (result < 0) {
        throw std::runtime_error(std::string(action) + ": " + zmq_strerror(zmq_errno()));
    }
}

}  // namespace

ZmqTransport::ZmqTransport(const Load& load, const std::string& directory)
    : load_(load), address_(free_address(directory)), received_(load.bytes) {}

ZmqTransport::~ZmqTransport() {
    if (socket_ != nullptr) {
        zmq_close(socket_);
        zmq_ctx_term(context_);
    }
}

void ZmqTransport::open_sender() {
    context_ = zmq_ctx_new();
    socket_ = zmq_socket(context_, ZMQ_PUSH);
    check_result(zmq_connect(socket_, address_.c_str()), "cannot connect");
}

void ZmqTransport::open_receiver() {
    context_ = zmq_ctx_new();
    socket_ = zmq_socket(context_, ZMQ_PULL);
    check_result(zmq_bind(socket_, address_.c_str()), "cannot bind");
}

void ZmqTransport::send(const char* events, std::size_t count) {
    for (std::size_t index = 0; index < count; ++index) {
        check_result(zmq_send(socket_, events + index * load_.bytes, load_.bytes, 0),
                     "cannot send a message");
    }
}

void ZmqTransport::receive(SequenceCheck& check) {
    check_result(zmq_recv(socket_, received_.data(), received_.size(), 0),
                 "cannot receive a message");
    check.see(received_.data(), load_.bytes);
}

}  // namespace drainpipe::bench
