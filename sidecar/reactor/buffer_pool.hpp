#pragma once
// Buffers of three sizes, handed out last-in first-out so that the hot ones stay in cache. One pool a worker, not thread-safe.
// A connection holds a buffer only while bytes are under way, which is why an idle connection costs almost nothing.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace steelyard {

class BufferPool;

// Bytes [begin, end) of a block are filled. Empty (no block) until acquire().
class Buffer {
public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer() { release(); }

    bool has_block() const { return data_ != nullptr; }
    size_t size() const { return end_ - begin_; }
    bool empty() const { return begin_ == end_; }
    size_t capacity() const { return capacity_; }
    std::string_view view() const { return {data_ + begin_, size()}; }
    // Room after the filled part.
    std::span<char> room() { return {data_ + end_, capacity_ - end_}; }
    void commit(size_t n) { end_ += static_cast<uint32_t>(n); }
    void consume(size_t n) { begin_ += static_cast<uint32_t>(n); }
    // Moves the filled part to the front, so that all room is behind it.
    void compact();
    void clear() { begin_ = end_ = 0; }
    // Keeps the first n of the filled bytes.
    void truncate(size_t n) { end_ = begin_ + static_cast<uint32_t>(n); }
    // Gives the block back to its pool.
    void release();

private:
    friend class BufferPool;
    char* data_ = nullptr;
    uint32_t begin_ = 0;
    uint32_t end_ = 0;
    uint32_t capacity_ = 0;
    BufferPool* pool_ = nullptr;
};

class BufferPool {
public:
    static constexpr size_t kSmall = size_t{4} * 1024;
    static constexpr size_t kLarge = size_t{20} * 1024;  // the longest head (16 KiB) and what the proxy adds to it
    // For bodies that come faster than they are passed on: each system call moves more. At most kBulkBlocks are out at a time, who
    // asks for one more gets a large one.
    static constexpr size_t kBulk = size_t{128} * 1024;
    static constexpr size_t kBulkBlocks = 64;
    // Idle blocks kept of the two smaller sizes, and of the bulk ones; what is released beyond goes back to the system.
    static constexpr size_t kKeep = 512;
    static constexpr size_t kKeepBulk = 16;

    BufferPool() = default;
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;
    ~BufferPool();

    Buffer acquire(size_t size_hint);
    // Gives `buffer` a large block, keeping what it holds.
    void grow(Buffer& buffer);
    size_t bytes_out() const { return bytes_out_; }

private:
    friend class Buffer;
    void give_back(char* data, size_t capacity);
    std::vector<char*>& shelf(size_t capacity) {
        return capacity == kSmall ? small_ : capacity == kLarge ? large_ : bulk_;
    }

    std::vector<char*> small_;
    std::vector<char*> large_;
    std::vector<char*> bulk_;
    size_t bulk_out_ = 0;
    size_t bytes_out_ = 0;
};

}  // namespace steelyard
