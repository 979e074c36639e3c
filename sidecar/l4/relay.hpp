#pragma once
// One direction of a byte stream: reads from one channel, writes to the other, holds at most one buffer (that is the back-pressure: nothing is
// read while the other side does not take what is there), and passes a half-close on. Does no waiting of its own.
#include <cstdint>

#include "sidecar/reactor/buffer_pool.hpp"
#include "sidecar/reactor/channel.hpp"

namespace steelyard {

class RelayDirection {
public:
    enum class State : uint8_t { open, finished, broken };  // finished: the end of the stream was passed on

    RelayDirection(Channel& from, Channel& to, BufferPool& buffers) : from_(from), to_(to), buffers_(buffers) {}

    // Bytes read earlier that go first.
    void preload(Buffer&& bytes) { buffer_ = std::move(bytes); }

    // Moves what can be moved now. Returns the bytes moved; state() says the rest. yielded() = stopped for fairness with more to do.
    uint64_t pump();
    State state() const { return state_; }
    bool yielded() const { return yielded_; }

private:
    bool flush(uint64_t& moved);

    Channel& from_;
    Channel& to_;
    BufferPool& buffers_;
    Buffer buffer_;
    State state_ = State::open;
    bool ended_ = false;  // the sender is done; what is buffered still goes out
    bool yielded_ = false;
};

}  // namespace steelyard
