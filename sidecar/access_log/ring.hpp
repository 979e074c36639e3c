#pragma once
// Whole lines from one thread to another, in order: one producer, one consumer, no lock, no system call, nothing allocated
// after the constructor. A line for which there is no room is not taken.
#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>

namespace steelyard::access_log {

class Ring {
public:
    // capacity: a power of two.
    explicit Ring(size_t capacity) : capacity_(capacity), bytes_(new char[capacity]) {}

    // The producer: false when there is no room.
    bool push(std::string_view line);
    // The producer's view: at least so much is filled, or was a moment ago.
    size_t used() const { return head_.load(std::memory_order_relaxed) - tail_.load(std::memory_order_relaxed); }
    size_t capacity() const { return capacity_; }

    // The consumer: all that is there, oldest first, in one or two stretches; it stays until pop().
    struct Filled {
        std::string_view first;
        std::string_view second;
        size_t size() const { return first.size() + second.size(); }
    };
    Filled peek() const;
    void pop(size_t bytes) { tail_.store(tail_.load(std::memory_order_relaxed) + bytes, std::memory_order_release); }

private:
    const size_t capacity_;
    const std::unique_ptr<char[]> bytes_;
    alignas(64) std::atomic<size_t> head_{0};  // bytes ever put in
    size_t known_tail_ = 0;                    // the producer's last look at tail_
    alignas(64) std::atomic<size_t> tail_{0};  // bytes ever taken out
};

}  // namespace steelyard::access_log
