#pragma once
// One direction of a byte stream: reads from one channel, writes to the other, holds at most one buffer or pipe (that is the back-pressure:
// nothing is read while the other side does not take what is there), and passes a half-close on. What comes fast moves in larger blocks,
// and when it goes on, by splice(2), without being copied here (docs/adr/0009-splice.md). Does no waiting of its own.
#include <cstdint>

#include "sidecar/reactor/buffer_pool.hpp"
#include "sidecar/reactor/channel.hpp"
#include "sidecar/reactor/pipe_pool.hpp"

namespace steelyard {

class RelayDirection {
public:
    enum class State : uint8_t { open, finished, broken };  // finished: the end of the stream was passed on

    RelayDirection(Channel& from, Channel& to, BufferPool& buffers, PipePool& pipes)
        : from_(from), to_(to), buffers_(buffers), pipes_(pipes) {}

    // Bytes read earlier that go first.
    void preload(Buffer&& bytes) { buffer_ = std::move(bytes); }

    // Moves what can be moved now. Returns the bytes moved; state() says the rest. yielded() = stopped for fairness with more to do.
    uint64_t pump();
    State state() const { return state_; }
    bool yielded() const { return yielded_; }

private:
    bool flush(uint64_t& moved);
    bool read();
    bool splice();
    void note_end(Channel::Status status);

    Channel& from_;
    Channel& to_;
    BufferPool& buffers_;
    PipePool& pipes_;
    Buffer buffer_;
    Pipe pipe_;            // holds bytes only while buffer_ holds none
    uint64_t streak_ = 0;  // bytes since the sender was last slower than we are
    State state_ = State::open;
    bool ended_ = false;  // the sender is done; what is held still goes out
    bool yielded_ = false;
    bool no_splice_ = false;  // these sockets cannot
};

}  // namespace steelyard
