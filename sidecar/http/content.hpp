#pragma once
// What one exchange holds while it does more with an answer's content than pass it on: that of an upstream whose policy compresses. Exchanges of others
// have none of it. One worker's, handed out by its pool; exchange_content.cpp works on it.
#include <memory>
#include <utility>
#include <vector>

#include "sidecar/compress/eligible.hpp"
#include "sidecar/compress/encoder_pool.hpp"
#include "sidecar/reactor/buffer_pool.hpp"

namespace steelyard::http {

struct Content {
    compress::Asked asked;
    // Empty: the answer goes out as it is, or there is none yet.
    compress::PooledEncoder encoder;
    Buffer encoded;         // chunks on their way to the client
    bool dirty = false;     // the encoder holds something that was not flushed
    bool flushing = false;  // and is asked for it
    bool ended = false;     // the last chunk is in `encoded`, or sent

    // Forgets the answer, not what was asked.
    void forget_answer() {
        encoder.reset();
        encoded.release();
        dirty = flushing = ended = false;
    }
};

// Idle ones, kept so that an exchange allocates none.
class ContentPool {
public:
    static constexpr size_t kKeep = 256;

    std::unique_ptr<Content> acquire() {
        if (idle_.empty()) return std::make_unique<Content>();
        auto content = std::move(idle_.back());
        idle_.pop_back();
        return content;
    }
    void give_back(std::unique_ptr<Content> content) {
        content->forget_answer();
        content->asked = {};
        if (idle_.size() < kKeep) idle_.push_back(std::move(content));
    }

private:
    std::vector<std::unique_ptr<Content>> idle_;
};

}  // namespace steelyard::http
