#pragma once

#include <sys/types.h>

#include "descriptor.hpp"
#include "http_address.hpp"

namespace drainpipe {

// The listening socket of an address. What connects is held by the kernel until it is accepted, be
// it by one process after another that has the descriptor.
//
// A Unix socket has mode 0600. One that is there already is replaced if it is this user's and
// nobody serves it; the path is taken away by the process that made it, unless another socket is
// there.
class HttpListener {
  public:
    // Throws Failure: what could not be done where, why, and what helps.
    explicit HttpListener(const HttpAddress& address);
    ~HttpListener();
    HttpListener(const HttpListener&) = delete;
    HttpListener& operator=(const HttpListener&) = delete;

    // Does not block, and closes at exec.
    int fd() const { return socket_.get(); }

    // With the port that it has got.
    const HttpAddress& address() const { return address_; }

    // Whether the path still leads here: it may have been removed. A port can't be.
    bool is_current() const;
    // Makes the socket again, in place of the former one: the descriptor's number stays. Throws as
    // the constructor does.
    void renew();

  private:
    void listen_on_port();
    void listen_on_path();
    void remove_stale_socket() const;
    [[noreturn]] void fail(int error) const;

    HttpAddress address_;
    Descriptor socket_;
    dev_t device_ = 0;  // of the path
    ino_t inode_ = 0;   // 0: there is none to take away
    pid_t maker_;
};

}  // namespace drainpipe
