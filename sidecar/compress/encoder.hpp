#pragma once
// A stream of bytes made shorter, piece by piece, into rooms of any size: gzip (RFC 1952), brotli (RFC 7932), zstd (RFC 8878,
// with a window that RFC 9659 allows). An encoder holds what its coding needs and no more, whatever the stream's length:
// see kGzipWindowBits and its like. One stream at a time, one thread.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/config/policy.hpp"

namespace steelyard::compress {

using config::Coding;

class Encoder {
public:
    enum class Mode : uint8_t {
        more,    // as it suits the coding: much of the input may stay inside for now
        flush,   // the other side can read all of the input
        finish,  // the same, and the stream ends
    };
    struct Step {
        size_t taken = 0;     // of the input
        size_t written = 0;   // to the room
        bool done = false;    // all of the input is taken, and what `mode` promises is written
        bool failed = false;  // out of memory: the stream cannot go on
    };

    virtual ~Encoder() = default;
    // Begins a stream, whatever became of the last one. False: out of memory.
    virtual bool start() = 0;
    // Call again with the rest of the input and the same mode, until it is done. A room has at least kMinRoom bytes.
    virtual Step push(std::string_view input, std::span<char> room, Mode mode) = 0;

    static constexpr size_t kMinRoom = 64;
};

// Levels that a proxy can afford; about 270 KiB, 1 MiB and 1 MiB an encoder.
constexpr int kGzipLevel = 5;
constexpr int kGzipWindowBits = 15;
constexpr int kBrotliQuality = 4;
constexpr int kBrotliWindowBits = 18;
constexpr int kZstdLevel = 3;
constexpr int kZstdWindowBits = 18;

std::unique_ptr<Encoder> make_encoder(Coding coding);

}  // namespace steelyard::compress
