#include "tests/unit/sidecar/compress/decode.hpp"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <memory>

namespace steelyard::test {
namespace {

constexpr size_t kRoom = 65'536;

std::optional<std::string> decode_gzip(std::string_view bytes, bool whole) {
    z_stream stream{};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return std::nullopt;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    std::string out;
    std::array<char, kRoom> room;
    int result = Z_OK;
    do {
        stream.next_out = reinterpret_cast<Bytef*>(room.data());
        stream.avail_out = kRoom;
        result = inflate(&stream, Z_SYNC_FLUSH);
        out.append(room.data(), kRoom - stream.avail_out);
    } while (result == Z_OK && (stream.avail_in != 0 || stream.avail_out == 0));
    const bool ended = result == Z_STREAM_END && stream.avail_in == 0;
    inflateEnd(&stream);
    if (whole ? !ended : result != Z_OK && result != Z_BUF_ERROR) return std::nullopt;
    return out;
}

std::optional<std::string> decode_brotli(std::string_view bytes, bool whole) {
    const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> state(
        BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), &BrotliDecoderDestroyInstance);
    const auto* next = reinterpret_cast<const uint8_t*>(bytes.data());
    size_t left = bytes.size();
    std::string out;
    std::array<char, kRoom> room;
    while (true) {
        auto* out_next = reinterpret_cast<uint8_t*>(room.data());
        size_t out_left = kRoom;
        const auto result = BrotliDecoderDecompressStream(state.get(), &left, &next, &out_left, &out_next, nullptr);
        out.append(room.data(), kRoom - out_left);
        if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) continue;
        const bool good = whole ? result == BROTLI_DECODER_RESULT_SUCCESS && left == 0
                                : result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT;
        return good ? std::optional(out) : std::nullopt;
    }
}

std::optional<std::string> decode_zstd(std::string_view bytes, bool whole) {
    const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::string out;
    std::array<char, kRoom> room;
    size_t hint = 1;
    bool full = true;
    while (in.pos < in.size || full) {
        ZSTD_outBuffer to{room.data(), kRoom, 0};
        hint = ZSTD_decompressStream(context.get(), &to, &in);
        if (ZSTD_isError(hint) != 0) return std::nullopt;
        out.append(room.data(), to.pos);
        full = to.pos == kRoom;
        if (hint == 0) break;
    }
    if (whole && (hint != 0 || in.pos != in.size)) return std::nullopt;
    return out;
}

}  // namespace

std::optional<std::string> decode(config::Coding coding, std::string_view bytes, bool whole) {
    switch (coding) {
        case config::Coding::gzip:
            return decode_gzip(bytes, whole);
        case config::Coding::brotli:
            return decode_brotli(bytes, whole);
        case config::Coding::zstd:
            return decode_zstd(bytes, whole);
    }
    return std::nullopt;
}

}  // namespace steelyard::test
