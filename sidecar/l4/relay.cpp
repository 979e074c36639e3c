#include "sidecar/l4/relay.hpp"

namespace steelyard {
namespace {

// Buffers moved in one turn before others get theirs.
constexpr int kTurns = 32;

}  // namespace

// Writes what is buffered. False when some is left or the stream broke.
bool RelayDirection::flush(uint64_t& moved) {
    while (!buffer_.empty()) {
        const auto io = to_.write(buffer_.view());
        if (io.status == Channel::Status::would_block) return false;
        if (io.status != Channel::Status::ok) {
            state_ = State::broken;
            return false;
        }
        buffer_.consume(io.bytes);
        moved += io.bytes;
    }
    return true;
}

uint64_t RelayDirection::pump() {
    uint64_t moved = 0;
    yielded_ = false;
    for (int turn = 0; state_ == State::open; ++turn) {
        if (!flush(moved)) break;
        if (ended_) {
            to_.shutdown_write();
            state_ = State::finished;
            break;
        }
        if (turn == kTurns) {
            yielded_ = true;
            break;
        }
        if (!from_.readable()) break;
        if (!buffer_.has_block()) buffer_ = buffers_.acquire(BufferPool::kLarge);
        buffer_.clear();
        const auto io = from_.read(buffer_.room());
        if (io.status == Channel::Status::would_block) break;
        if (io.status == Channel::Status::failed) {
            state_ = State::broken;
        } else if (io.status == Channel::Status::closed) {
            ended_ = true;
        } else {
            buffer_.commit(io.bytes);
        }
    }
    if (buffer_.empty()) buffer_.release();
    return moved;
}

}  // namespace steelyard
