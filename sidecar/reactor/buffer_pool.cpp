#include "sidecar/reactor/buffer_pool.hpp"

#include <cstring>
#include <utility>

namespace steelyard {

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      begin_(std::exchange(other.begin_, 0)),
      end_(std::exchange(other.end_, 0)),
      capacity_(std::exchange(other.capacity_, 0)),
      pool_(std::exchange(other.pool_, nullptr)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    if (this != &other) {
        release();
        data_ = std::exchange(other.data_, nullptr);
        begin_ = std::exchange(other.begin_, 0);
        end_ = std::exchange(other.end_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
        pool_ = std::exchange(other.pool_, nullptr);
    }
    return *this;
}

void Buffer::compact() {
    if (begin_ == 0) return;
    std::memmove(data_, data_ + begin_, size());
    end_ -= begin_;
    begin_ = 0;
}

void Buffer::release() {
    if (data_ == nullptr) return;
    pool_->give_back(data_, capacity_);
    data_ = nullptr;
    begin_ = end_ = capacity_ = 0;
}

BufferPool::~BufferPool() {
    for (char* block : small_) delete[] block;
    for (char* block : large_) delete[] block;
    for (char* block : bulk_) delete[] block;
}

Buffer BufferPool::acquire(size_t size_hint) {
    const size_t capacity = size_hint <= kSmall                               ? kSmall
                            : size_hint <= kLarge || bulk_out_ == kBulkBlocks ? kLarge
                                                                              : kBulk;
    if (capacity == kBulk) ++bulk_out_;
    auto& idle = shelf(capacity);
    Buffer buffer;
    if (idle.empty()) {
        buffer.data_ = new char[capacity];
    } else {
        buffer.data_ = idle.back();
        idle.pop_back();
    }
    buffer.capacity_ = static_cast<uint32_t>(capacity);
    buffer.pool_ = this;
    bytes_out_ += capacity;
    return buffer;
}

void BufferPool::grow(Buffer& buffer) {
    Buffer larger = acquire(kLarge);
    std::memcpy(larger.room().data(), buffer.view().data(), buffer.size());
    larger.commit(buffer.size());
    buffer = std::move(larger);
}

void BufferPool::give_back(char* data, size_t capacity) {
    bytes_out_ -= capacity;
    auto& idle = shelf(capacity);
    if (capacity == kBulk) --bulk_out_;
    if (idle.size() < (capacity == kBulk ? kKeepBulk : kKeep)) {
        idle.push_back(data);
    } else {
        delete[] data;
    }
}

}  // namespace steelyard
