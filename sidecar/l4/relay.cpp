#include "sidecar/l4/relay.hpp"

#include <algorithm>

namespace steelyard {
namespace {

// Rounds, and bytes, in one turn before others get theirs.
constexpr int kRounds = 32;
constexpr uint64_t kMostBytes = 1024 * 1024;
// A sender that has filled this much without a pause is worth a pipe.
constexpr uint64_t kSpliceAfter = 256 * 1024;

}  // namespace

// Writes what is held. False when some is left or the stream broke.
bool RelayDirection::flush(uint64_t& moved) {
    while (!buffer_.empty() || !pipe_.empty()) {
        const auto io = buffer_.empty() ? to_.write_from(pipe_.out(), pipe_.size()) : to_.write(buffer_.view());
        if (io.status == Channel::Status::would_block) return false;
        if (io.status != Channel::Status::ok) {
            state_ = State::broken;
            return false;
        }
        buffer_.empty() ? pipe_.consume(io.bytes) : buffer_.consume(io.bytes);
        moved += io.bytes;
    }
    return true;
}

void RelayDirection::note_end(Channel::Status status) {
    if (status == Channel::Status::failed) state_ = State::broken;
    if (status == Channel::Status::closed) ended_ = true;
}

// One block into the buffer. False when there is nothing to read now.
bool RelayDirection::read() {
    const size_t wanted = streak_ != 0 ? BufferPool::kBulk : BufferPool::kLarge;
    if (buffer_.capacity() < wanted) buffer_ = buffers_.acquire(wanted);
    buffer_.clear();
    const auto io = from_.read(buffer_.room());
    if (io.status != Channel::Status::ok) {
        note_end(io.status);
        return io.status == Channel::Status::closed;
    }
    buffer_.commit(io.bytes);
    // A block that was filled: the sender is faster than we are.
    streak_ = io.bytes >= BufferPool::kLarge ? streak_ + io.bytes : 0;
    return true;
}

// The same into the pipe.
bool RelayDirection::splice() {
    const auto io = from_.read_into(pipe_.in(), PipePool::kBytes);
    if (io.status == Channel::Status::unsupported) {
        no_splice_ = true;
        pipe_.release();
        return true;
    }
    if (io.status != Channel::Status::ok) {
        note_end(io.status);
        return io.status == Channel::Status::closed;
    }
    pipe_.commit(io.bytes);
    return true;
}

uint64_t RelayDirection::pump() {
    uint64_t moved = 0;
    yielded_ = false;
    for (int round = 0; state_ == State::open; ++round) {
        if (!flush(moved)) break;
        if (ended_) {
            to_.shutdown_write();
            state_ = State::finished;
            break;
        }
        if (round == kRounds || moved >= kMostBytes) {
            yielded_ = true;
            break;
        }
        if (!from_.readable()) break;
        if (!pipe_ && streak_ >= kSpliceAfter && !no_splice_) {
            buffer_.release();
            pipe_ = pipes_.take();
        }
        if (!(pipe_ ? splice() : read())) break;
    }
    if (buffer_.empty()) buffer_.release();
    // Nobody sits on a pipe while nothing is under way.
    if (pipe_ && pipe_.empty()) {
        if (moved < BufferPool::kLarge) streak_ = 0;
        pipe_.release();
    }
    return moved;
}

}  // namespace steelyard
