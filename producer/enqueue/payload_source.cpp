#include "payload_source.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include "failure.hpp"

namespace drainpipe {
namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;

class Numbers : public PayloadSource {
  public:
    explicit Numbers(std::uint64_t last) : last_(last) {}

    bool fill(std::string& block) override {
        std::array<char, 20> digits;
        while (next_ <= last_ && block.size() < kBlockBytes) {
            const auto end =
                std::to_chars(digits.data(), digits.data() + digits.size(), next_++).ptr;
            block.append(digits.data(), end);
            block += '\n';
        }
        return next_ <= last_;
    }

    int fd() const override { return -1; }
    std::uint64_t total() const override { return last_; }

  private:
    std::uint64_t next_ = 1;
    std::uint64_t last_;
};

class Lines : public PayloadSource {
  public:
    explicit Lines(int fd) : fd_(fd), scratch_(kBlockBytes) {}

    bool fill(std::string& block) override {
        const ssize_t count = ::read(fd_, scratch_.data(), scratch_.size());
        if (count > 0) {
            block.append(scratch_.data(), static_cast<std::size_t>(count));
            is_line_open_ = block.back() != '\n';
            return true;
        }
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            return true;
        }
        if (count < 0) {
            throw Failure(ExitCode::io,
                          std::string("cannot read standard input: ") + std::strerror(errno));
        }
        if (is_line_open_) {
            block += '\n';
        }
        return false;
    }

    int fd() const override { return fd_; }
    std::uint64_t total() const override { return 0; }

  private:
    int fd_;
    std::vector<char> scratch_;
    bool is_line_open_ = false;
};

}  // namespace

std::unique_ptr<PayloadSource> numbers_up_to(std::uint64_t last) {
    return std::make_unique<Numbers>(last);
}

std::unique_ptr<PayloadSource> lines_of(int fd) { return std::make_unique<Lines>(fd); }

}  // namespace drainpipe
