#include "sidecar/compress/encoder_pool.hpp"

namespace steelyard::compress {

void PooledEncoder::reset() {
    if (encoder_) pool_->give_back(coding_, std::move(encoder_));
}

PooledEncoder EncoderPool::acquire(Coding coding) {
    if (active_ == kMaxActive) return {};
    auto& idle = idle_[static_cast<size_t>(coding)];
    std::unique_ptr<Encoder> encoder;
    if (idle.empty()) {
        encoder = make_encoder(coding);
    } else {
        encoder = std::move(idle.back());
        idle.pop_back();
    }
    if (!encoder->start()) return {};
    ++active_;
    return {*this, coding, std::move(encoder)};
}

void EncoderPool::give_back(Coding coding, std::unique_ptr<Encoder> encoder) {
    --active_;
    auto& idle = idle_[static_cast<size_t>(coding)];
    // A brotli state is of no use to the next stream, and large.
    if (coding != Coding::brotli && idle.size() < kKeep) idle.push_back(std::move(encoder));
}

}  // namespace steelyard::compress
