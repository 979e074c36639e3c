#pragma once
// What one exchange holds while it does more with an answer's content than pass it on: that of an upstream whose policy compresses or keeps
// answers. Exchanges of others have none of it. One worker's, handed out by its pool; exchange_content.cpp and exchange_cache.cpp work on it.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sidecar/cache/request.hpp"
#include "sidecar/cache/store.hpp"
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

    // Of a policy with a cache; null: none.
    std::shared_ptr<cache::Store> store;
    cache::Request request;
    cache::Store::Found found;
    int64_t asked_at = 0;       // seconds since 1970
    bool validating = false;    // the host is asked whether what was found is still so
    std::string_view why = {};  // the request goes on, as in Cache-Status
    std::string status;         // the field's value, while a head is written
    // The answer is this one's: what is left of its body.
    std::shared_ptr<const cache::Stored> serving;
    std::string_view left = {};
    // The host's answer, which is to be kept once it is whole.
    std::unique_ptr<cache::Stored> draft;
    std::shared_ptr<std::string> draft_body;

    // Forgets the answer, not what was asked.
    void forget_answer() {
        encoder.reset();
        encoded.release();
        dirty = flushing = ended = false;
        serving.reset();
        left = {};
        draft.reset();
        draft_body.reset();
    }
    void clear() {
        forget_answer();
        asked = {};
        store.reset();
        request.clear();
        found = {};
        validating = false;
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
        content->clear();
        if (idle_.size() < kKeep) idle_.push_back(std::move(content));
    }
    // Bytes of answers that are on their way into the cache.
    size_t draft_bytes = 0;

private:
    std::vector<std::unique_ptr<Content>> idle_;
};

}  // namespace steelyard::http
