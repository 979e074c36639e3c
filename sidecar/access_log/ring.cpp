#include "sidecar/access_log/ring.hpp"

#include <algorithm>
#include <cstring>

namespace steelyard::access_log {

bool Ring::push(std::string_view line) {
    const size_t head = head_.load(std::memory_order_relaxed);
    if (capacity_ - (head - known_tail_) < line.size()) {
        known_tail_ = tail_.load(std::memory_order_acquire);
        if (capacity_ - (head - known_tail_) < line.size()) return false;
    }
    const size_t at = head & (capacity_ - 1);
    const size_t before_end = std::min(line.size(), capacity_ - at);
    std::memcpy(bytes_.get() + at, line.data(), before_end);
    std::memcpy(bytes_.get(), line.data() + before_end, line.size() - before_end);
    head_.store(head + line.size(), std::memory_order_release);
    return true;
}

Ring::Filled Ring::peek() const {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    const size_t filled = head_.load(std::memory_order_acquire) - tail;
    const size_t at = tail & (capacity_ - 1);
    const size_t before_end = std::min(filled, capacity_ - at);
    return {{bytes_.get() + at, before_end}, {bytes_.get(), filled - before_end}};
}

}  // namespace steelyard::access_log
