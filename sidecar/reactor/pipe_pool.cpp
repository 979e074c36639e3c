#include "sidecar/reactor/pipe_pool.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace steelyard {

Pipe& Pipe::operator=(Pipe&& other) noexcept {
    if (this == &other) return *this;
    release();
    in_ = std::move(other.in_);
    out_ = std::move(other.out_);
    size_ = std::exchange(other.size_, 0);
    pool_ = std::exchange(other.pool_, nullptr);
    return *this;
}

void Pipe::release() {
    if (pool_ == nullptr) return;
    --pool_->out_;
    if (size_ == 0 && pool_->idle_.size() < PipePool::kKeep) {
        pool_->idle_.emplace_back(std::move(in_), std::move(out_));
    }
    in_.reset();
    out_.reset();
    size_ = 0;
    pool_ = nullptr;
}

Pipe PipePool::take() {
    Pipe pipe;
    if (out_ == kMost) return pipe;
    if (!idle_.empty()) {
        pipe.in_ = std::move(idle_.back().first);
        pipe.out_ = std::move(idle_.back().second);
        idle_.pop_back();
    } else {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return pipe;
        pipe.out_.reset(ends[0]);
        pipe.in_.reset(ends[1]);
        fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(kBytes));  // else it is smaller
    }
    pipe.pool_ = this;
    ++out_;
    ++taken_;
    return pipe;
}

}  // namespace steelyard
