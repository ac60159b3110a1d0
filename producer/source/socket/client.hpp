#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"
#include "line_splitter.hpp"
#include "wire.hpp"

namespace drainpipe {

// One connection to the intake: what it sent and is not in the ring, what it is still to be told.
class Client {
  public:
    Client(Descriptor socket, std::uint64_t longest_payload);
    // Hangs up so that what was told can still be read; what was sent and not read is dropped.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    int fd() const { return socket_.get(); }

    enum class Input { lines, nothing, end };

    // Reads once, into `scratch`, and appends the lines that are complete. They are valid until
    // the next read or change of `scratch`.
    Input read(std::span<char> scratch, std::vector<wire::LineSplitter::Line>& lines);

    // Frees the room of the lines that were read.
    void release() { splitter_.release(); }

    void count_accepted(std::uint64_t events) { accepted_ += events; }
    std::uint64_t count_payload() { return ++payloads_; }

    // Each puts an answer up for flush(). Acknowledgements are cumulative: a client that is slow to
    // read gets the newest one only.
    void acknowledge() { owes_acknowledgement_ = true; }
    void refuse(std::uint64_t event, std::uint64_t bytes, std::uint64_t limit);
    void close(wire::Reason reason);

    // Sends what it can without waiting.
    void flush();

    bool has_unsent() const { return !unsent_.empty() || owes_acknowledgement_; }
    bool is_closed() const { return is_closed_; }

    // A client that does not read its answers is not read either.
    bool may_be_read() const { return !is_closed_ && !is_held_ && unsent_.size() < kMaxUnsent; }

    // Its unfinished payload takes more room than every client may take at a time.
    bool is_large() const { return splitter_.kept() > kMaxKept; }
    std::size_t unfinished_bytes() const { return splitter_.kept(); }

    // A client that is held is not read until it is let go.
    void hold(bool on) { is_held_ = on; }
    bool is_held() const { return is_held_; }

    // The epoll events that it is watched for, if it is; kept here for the one that watches it.
    std::optional<std::uint32_t> watched;

  private:
    static constexpr std::size_t kMaxUnsent = 4096;
    static constexpr std::size_t kMaxKept = 64 * 1024;

    Descriptor socket_;
    wire::LineSplitter splitter_;
    std::string unsent_;
    std::uint64_t payloads_ = 0;
    std::uint64_t accepted_ = 0;
    bool owes_acknowledgement_ = false;
    bool is_closed_ = false;
    bool is_held_ = false;
};

}  // namespace drainpipe
