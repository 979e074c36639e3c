#include "sidecar/compress/encoder.hpp"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>

namespace steelyard::compress {
namespace {

class GzipEncoder final : public Encoder {
public:
    GzipEncoder() = default;
    GzipEncoder(const GzipEncoder&) = delete;
    GzipEncoder& operator=(const GzipEncoder&) = delete;
    ~GzipEncoder() override {
        if (made_) deflateEnd(&stream_);
    }

    bool start() override {
        if (made_) return deflateReset(&stream_) == Z_OK;
        constexpr int kGzipFormat = 16;
        constexpr int kMemoryLevel = 8;
        made_ = deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, kGzipWindowBits + kGzipFormat, kMemoryLevel,
                             Z_DEFAULT_STRATEGY) == Z_OK;
        return made_;
    }

    Step push(std::string_view input, std::span<char> room, Mode mode) override {
        constexpr size_t kMost = std::numeric_limits<uInt>::max();
        const std::string_view part = input.substr(0, kMost);
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
        stream_.avail_in = static_cast<uInt>(part.size());
        stream_.next_out = reinterpret_cast<Bytef*>(room.data());
        stream_.avail_out = static_cast<uInt>(std::min(room.size(), kMost));
        const auto had = stream_.avail_out;
        const int kind = part.size() != input.size() || mode == Mode::more ? Z_NO_FLUSH
                         : mode == Mode::flush                             ? Z_SYNC_FLUSH
                                                                           : Z_FINISH;
        const int result = deflate(&stream_, kind);
        Step step;
        step.taken = part.size() - stream_.avail_in;
        step.written = had - stream_.avail_out;
        // Z_BUF_ERROR: nothing was left to do since the last call, which filled its room to the last byte.
        step.failed = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
        const bool emptied = mode == Mode::finish ? result == Z_STREAM_END : stream_.avail_out != 0;
        step.done = step.taken == input.size() && (mode == Mode::more || emptied);
        return step;
    }

private:
    z_stream stream_{};
    bool made_ = false;
};

// The library begins anew by making a new state: there is nothing to be kept between two streams.
class BrotliEncoder final : public Encoder {
public:
    bool start() override {
        state_.reset(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr));
        return state_ && BrotliEncoderSetParameter(state_.get(), BROTLI_PARAM_QUALITY, kBrotliQuality) == BROTLI_TRUE &&
               BrotliEncoderSetParameter(state_.get(), BROTLI_PARAM_LGWIN, kBrotliWindowBits) == BROTLI_TRUE;
    }

    Step push(std::string_view input, std::span<char> room, Mode mode) override {
        size_t in = input.size();
        size_t out = room.size();
        const auto* next_in = reinterpret_cast<const uint8_t*>(input.data());
        auto* next_out = reinterpret_cast<uint8_t*>(room.data());
        const auto operation = mode == Mode::more    ? BROTLI_OPERATION_PROCESS
                               : mode == Mode::flush ? BROTLI_OPERATION_FLUSH
                                                     : BROTLI_OPERATION_FINISH;
        Step step;
        step.failed = BrotliEncoderCompressStream(state_.get(), operation, &in, &next_in, &out, &next_out, nullptr) ==
                      BROTLI_FALSE;
        step.taken = input.size() - in;
        step.written = room.size() - out;
        const bool emptied = mode == Mode::finish ? BrotliEncoderIsFinished(state_.get()) == BROTLI_TRUE
                                                  : BrotliEncoderHasMoreOutput(state_.get()) == BROTLI_FALSE;
        step.done = in == 0 && emptied;
        return step;
    }

private:
    struct Destroy {
        void operator()(BrotliEncoderState* state) const { BrotliEncoderDestroyInstance(state); }
    };
    std::unique_ptr<BrotliEncoderState, Destroy> state_;
};

class ZstdEncoder final : public Encoder {
public:
    bool start() override {
        if (!context_) {
            context_.reset(ZSTD_createCCtx());
            if (!context_) return false;
            ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kZstdLevel);
            ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, kZstdWindowBits);
        }
        return ZSTD_isError(ZSTD_CCtx_reset(context_.get(), ZSTD_reset_session_only)) == 0;
    }

    Step push(std::string_view input, std::span<char> room, Mode mode) override {
        ZSTD_inBuffer in{input.data(), input.size(), 0};
        ZSTD_outBuffer out{room.data(), room.size(), 0};
        const auto directive = mode == Mode::more ? ZSTD_e_continue : mode == Mode::flush ? ZSTD_e_flush : ZSTD_e_end;
        const size_t left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
        Step step;
        step.failed = ZSTD_isError(left) != 0;
        step.taken = in.pos;
        step.written = out.pos;
        step.done = in.pos == in.size && (mode == Mode::more || left == 0);
        return step;
    }

private:
    struct Free {
        void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    };
    std::unique_ptr<ZSTD_CCtx, Free> context_;
};

}  // namespace

std::unique_ptr<Encoder> make_encoder(Coding coding) {
    switch (coding) {
        case Coding::gzip:
            return std::make_unique<GzipEncoder>();
        case Coding::brotli:
            return std::make_unique<BrotliEncoder>();
        case Coding::zstd:
            return std::make_unique<ZstdEncoder>();
    }
    return nullptr;
}

}  // namespace steelyard::compress
