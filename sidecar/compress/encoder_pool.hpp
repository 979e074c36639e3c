#pragma once
// A worker's encoders: at most kMaxActive at work, at most kKeep idle ones of each coding. One thread.
#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "sidecar/compress/encoder.hpp"

namespace steelyard::compress {

class EncoderPool;

// An encoder that has begun a stream; goes back to its pool. Empty: none.
class PooledEncoder {
public:
    PooledEncoder() = default;
    PooledEncoder(EncoderPool& pool, Coding coding, std::unique_ptr<Encoder> encoder)
        : pool_(&pool), coding_(coding), encoder_(std::move(encoder)) {}
    PooledEncoder(PooledEncoder&&) noexcept = default;
    PooledEncoder& operator=(PooledEncoder&& other) noexcept {
        reset();
        pool_ = other.pool_;
        coding_ = other.coding_;
        encoder_ = std::move(other.encoder_);
        return *this;
    }
    ~PooledEncoder() { reset(); }

    void reset();
    explicit operator bool() const { return encoder_ != nullptr; }
    Encoder* operator->() const { return encoder_.get(); }
    Coding coding() const { return coding_; }

private:
    EncoderPool* pool_ = nullptr;
    Coding coding_ = Coding::gzip;
    std::unique_ptr<Encoder> encoder_;
};

class EncoderPool {
public:
    static constexpr size_t kKeep = 8;
    static constexpr size_t kMaxActive = 128;

    // Empty when kMaxActive are at work, or memory has run out: the answer goes out as it is.
    PooledEncoder acquire(Coding coding);
    size_t active() const { return active_; }

private:
    friend class PooledEncoder;
    void give_back(Coding coding, std::unique_ptr<Encoder> encoder);

    std::array<std::vector<std::unique_ptr<Encoder>>, 3> idle_;
    size_t active_ = 0;
};

}  // namespace steelyard::compress
