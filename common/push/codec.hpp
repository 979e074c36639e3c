#pragma once
// Frames to messages and back. Decoding is strict where it matters (types, limits, required fields, depth of nesting)
// and lenient where it must be (unknown fields), never throws, and holds one resource's JSON tree at a time, not the
// frame's.
#include <string>
#include <string_view>

#include "common/config/codec.hpp"
#include "common/config/problems.hpp"
#include "common/push/message.hpp"

namespace steelyard::push {

std::string encode(const Hello& message);
std::string encode(const Ack& message);
std::string encode(const Nack& message);
std::string encode(const Report& message);
std::string encode(const Claim& message);
std::string encode(const Grant& message);
std::string encode(const ErrorMessage& message);
std::string encode(const Trust& message);
std::string encode(const Refused& message);

// Builds a snapshot or a delta resource by resource. finish() gives the frame and ends the writer's life.
class FrameWriter {
public:
    static FrameWriter snapshot(std::string_view version, size_t reserve = 0);
    static FrameWriter delta(std::string_view base, std::string_view version, size_t reserve = 0);

    template <class R>
    void upsert(const R& resource) {
        separate();
        config::append_json(out_, resource);
    }
    // All removals come after all upserts.
    void remove(const config::ResourceKey& key);
    size_t count() const { return count_; }
    size_t bytes() const { return out_.size(); }
    std::string finish();

private:
    void separate();
    std::string out_;
    size_t count_ = 0;
    bool first_ = true;
    bool removing_ = false;
    bool is_delta_ = false;
};

// A frame that could not be read. `version` is the frame's own when it could be told, for the nack; `refusable` says
// that the frame was a snapshot or delta and a nack is the answer (else it was no message at all).
struct DecodeFailure {
    config::Problems problems;
    std::string version;
    bool refusable = false;
};

template <class M>
using Decoded = std::variant<M, DecodeFailure>;

Decoded<FromController> decode_from_controller(std::string_view frame);
Decoded<FromProxy> decode_from_proxy(std::string_view frame);

// A snapshot in a file: as on the wire, but "type" and "version" may be left out.
Decoded<Snapshot> decode_snapshot_file(std::string_view text);

}  // namespace steelyard::push
