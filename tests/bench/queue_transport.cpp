#include "queue_transport.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace drainpipe::bench {
namespace {

namespace ipc = boost::interprocess;

constexpr long kPosixRoom = 10;

std::string queue_name() { return "/dp-bench-queue-" + std::to_string(::getpid()); }

}  // namespace

BoostQueueTransport::BoostQueueTransport(const Load& load) : load_(load), received_(load.bytes) {
    const std::string name = queue_name();
    queue_ =
        std::make_unique<ipc::message_queue>(ipc::create_only, name.c_str(), load.room, load.bytes);
    ipc::message_queue::remove(name.c_str());  // its two processes have it mapped
}

BoostQueueTransport::~BoostQueueTransport() = default;

void BoostQueueTransport::send(const char* events, std::size_t count) {
    for (std::size_t index = 0; index < count; ++index) {
        queue_->send(events + index * load_.bytes, load_.bytes, 0);
    }
}

void BoostQueueTransport::receive(SequenceCheck& check) {
    ipc::message_queue::size_type bytes = 0;
    unsigned int priority = 0;
    queue_->receive(received_.data(), received_.size(), bytes, priority);
    check.see(received_.data(), load_.bytes);
}

PosixQueueTransport::PosixQueueTransport(const Load& load) : load_(load), received_(load.bytes) {
    const std::string name = queue_name();
    mq_attr attributes{};
    attributes.mq_maxmsg = kPosixRoom;
    attributes.mq_msgsize = static_cast<long>(load.bytes);
    queue_ = ::mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    if (queue_ == static_cast<mqd_t>(-1)) {
        throw std::system_error(errno, std::generic_category(), "cannot make a POSIX queue");
    }
    ::mq_unlink(name.c_str());
}

PosixQueueTransport::~PosixQueueTransport() { ::mq_close(queue_); }

void PosixQueueTransport::send(const char* events, std::size_t count) {
    for (std::size_t index = 0; index < count; ++index) {
        if (::mq_send(queue_, events + index * load_.bytes, load_.bytes, 0) != 0) {
            throw std::system_error(errno, std::generic_category(), "cannot send to a queue");
        }
    }
}

void PosixQueueTransport::receive(SequenceCheck& check) {
    if (::mq_receive(queue_, received_.data(), received_.size(), nullptr) < 0) {
        throw std::system_error(errno, std::generic_category(), "cannot receive from a queue");
    }
    check.see(received_.data(), load_.bytes);
}

}  // namespace drainpipe::bench
