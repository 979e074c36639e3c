// Compression under any bytes: an Accept-Encoding of whatever shape picks a coding that is offered or none; and an encoder that gets
// the input in pieces, through rooms of any size, with flushes anywhere, takes all of it, ends, and says no more than its rooms hold. The first byte says which.
#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "sidecar/compress/accept_encoding.hpp"
#include "sidecar/compress/eligible.hpp"
#include "sidecar/compress/encoder.hpp"

namespace {

using namespace steelyard::compress;

void require(bool condition) {
    if (!condition) std::abort();
}

constexpr std::array<Coding, 3> kAll{Coding::zstd, Coding::brotli, Coding::gzip};

void negotiate(std::string_view text) {
    AcceptEncoding whole;
    whole.add(text);
    const auto coding = whole.choose(kAll);
    if (coding) {
        const std::array<Coding, 1> alone{*coding};
        require(whole.choose(alone) == coding);
    }
    require(!whole.choose({}));
    static_cast<void>(is_listed(text, {}));
}

// Takes turns: the next byte of the input decides how much of it goes in, how large the room is and what is asked.
void encode(Coding coding, std::string_view input) {
    static const std::array<std::unique_ptr<Encoder>, 3> encoders{
        make_encoder(Coding::gzip), make_encoder(Coding::brotli), make_encoder(Coding::zstd)};
    Encoder& encoder = *encoders[static_cast<size_t>(coding)];
    require(encoder.start());
    static std::array<char, 4096> space;
    bool finished = false;
    while (!finished) {
        const auto how = input.empty() ? uint8_t{0xff} : static_cast<uint8_t>(input.front());
        std::string_view piece = input.substr(0, 1 + how % 61 * 7);
        input.remove_prefix(piece.size());
        const auto mode = input.empty()  ? Encoder::Mode::finish
                          : how % 3 == 0 ? Encoder::Mode::flush
                                         : Encoder::Mode::more;
        const size_t room = Encoder::kMinRoom + how * 15U;
        for (int round = 0;; ++round) {
            const auto step = encoder.push(piece, std::span(space.data(), room), mode);
            require(!step.failed && step.taken <= piece.size() && step.written <= room && round < 10'000);
            piece.remove_prefix(step.taken);
            if (step.done) break;
        }
        require(piece.empty());
        finished = mode == Encoder::Mode::finish;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    if (data[0] % 4 == 3) {
        negotiate(text);
    } else {
        encode(static_cast<Coding>(data[0] % 4), text);
    }
    return 0;
}
