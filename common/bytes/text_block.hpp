#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace drainpipe {

// Text that is put together piece by piece, with one look at the room for several pieces.
class TextBlock {
  public:
    // Has memory for so many bytes, in use from the begin: what it costs to touch it first is not
    // paid by the first text.
    explicit TextBlock(std::size_t bytes) : text_(new char[bytes]()), capacity_(bytes) {}

    // The end of the text, with room for so many bytes after it. They belong to the text once
    // grow_to() has said how far; valid until the next call.
    char* room(std::size_t bytes) {
        if (capacity_ - size_ < bytes) {
            enlarge(bytes);
        }
        return text_.get() + size_;
    }
    void grow_to(const char* end) { size_ = static_cast<std::size_t>(end - text_.get()); }

    std::string_view text() const { return {text_.get(), size_}; }
    std::size_t size() const { return size_; }
    void clear() { size_ = 0; }

  private:
    void enlarge(std::size_t bytes) {
        capacity_ = std::max(2 * capacity_, size_ + bytes);
        std::unique_ptr<char[]> larger(new char[capacity_]);
        if (size_ > 0) {
            std::memcpy(larger.get(), text_.get(), size_);
        }
        text_ = std::move(larger);
    }

    std::unique_ptr<char[]> text_;
    std::size_t size_ = 0;
    std::size_t capacity_;
};

}  // namespace drainpipe
