#pragma once
// Pipes for splice(2), by which bytes go from one socket to another without a copy in user space. One pool a worker, not thread-safe.
// At most kMost pipes, two descriptors each, are out at a time; some are kept. A thread that splices has to block SIGPIPE: splice
// knows no MSG_NOSIGNAL.
#include <cstddef>
#include <utility>
#include <vector>

#include "sidecar/reactor/fd.hpp"

namespace steelyard {

class PipePool;

// Empty (no pipe) until taken. What is in it when it goes is lost, and the pipe with it.
class Pipe {
public:
    Pipe() = default;
    Pipe(Pipe&& other) noexcept { *this = std::move(other); }
    Pipe& operator=(Pipe&& other) noexcept;
    ~Pipe() { release(); }

    explicit operator bool() const { return static_cast<bool>(in_); }
    int in() const { return in_.get(); }    // to write to
    int out() const { return out_.get(); }  // to read from
    size_t size() const { return size_; }   // bytes that are in it
    bool empty() const { return size_ == 0; }
    void commit(size_t n) { size_ += n; }
    void consume(size_t n) { size_ -= n; }
    // Gives it back to its pool.
    void release();

private:
    friend class PipePool;
    UniqueFd in_;
    UniqueFd out_;
    size_t size_ = 0;
    PipePool* pool_ = nullptr;
};

class PipePool {
public:
    static constexpr size_t kMost = 64;
    static constexpr size_t kKeep = 8;
    static constexpr size_t kBytes = size_t{256} * 1024;  // of one, where the system grants it

    PipePool() = default;
    PipePool(const PipePool&) = delete;
    PipePool& operator=(const PipePool&) = delete;

    // An empty one, or none: as many as there may be are out, or the system has no more.
    Pipe take();
    size_t taken() const { return taken_; }  // ever
    void clear() { idle_.clear(); }          // closes those that are kept

private:
    friend class Pipe;
    std::vector<std::pair<UniqueFd, UniqueFd>> idle_;  // in, out
    size_t out_ = 0;
    size_t taken_ = 0;
};

}  // namespace steelyard
