#pragma once
// Finds the end of a message body while its bytes are passed on as they are: chunk framing is checked, not rewritten
// (RFC 9112 section 7.1). For a receiver that cannot read chunks (HTTP/1.0) the second form of consume() hands out
// the data between the framing, so that the caller can send just that and close.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sidecar/http/message.hpp"
#include "sidecar/http/parser.hpp"

namespace steelyard::http {

// Validates a chunked body. Sizes of at most 16 hex digits that fit 63 bits and have no white space around them,
// extensions of at most 256 bytes a chunk without control characters or open quotes, CRLF only, trailers of at most
// `max_trailer_bytes` that are well-formed and none of the protected fields (RFC 9110 section 6.5.1).
class ChunkedScanner {
public:
    static constexpr size_t kNameBytes = 19;  // no known field has a longer name

    explicit ChunkedScanner(uint32_t max_trailer_bytes = 8192) : max_trailer_bytes_(max_trailer_bytes) {}

    // Consumes from `input` up to the body's end. Returns how many bytes belong to the body; after that, done()
    // or fault() may be set. Never consumes past the end, nor the byte that is at fault.
    size_t consume(std::string_view input);
    // As above, but returns after one stretch of chunk data at the latest, which is in `data` (a part of `input`, empty
    // when there was only framing). Call again with the rest of `input` while it consumes something.
    size_t consume(std::string_view input, std::string_view& data);
    bool done() const { return state_ == State::done; }
    Fault fault() const { return fault_; }

private:
    enum class State : uint8_t {
        size_first,
        size,
        extension,
        quoted,
        quoted_pair,
        size_line_feed,
        data,
        data_carriage_return,
        data_line_feed,
        trailer_start,
        trailer_name,
        trailer_value,
        trailer_line_feed,
        end_line_feed,
        done,
    };
    void step(char c);
    void step_size(char c);
    void step_extension(char c);
    void step_trailer(char c);
    void end_trailer_name();
    void expect(char c, char wanted, State next, Fault otherwise);
    void refuse(Fault fault) { fault_ = fault; }

    State state_ = State::size_first;
    Fault fault_ = Fault::none;
    uint8_t digits_ = 0;
    uint16_t extension_bytes_ = 0;
    uint32_t trailer_bytes_ = 0;
    uint32_t max_trailer_bytes_;
    uint64_t remaining_ = 0;  // of the current chunk's data
    uint32_t name_size_ = 0;
    std::array<char, kNameBytes> name_{};  // the trailer's name so far: it may arrive in pieces
};

// One body of any framing.
class BodyTracker {
public:
    void start(Framing framing, uint64_t content_length);

    // How many of these bytes belong to the body (all of them for until_close); the rest is the next message.
    size_t consume(std::string_view input);
    // As ChunkedScanner's; for other framings `data` is what was consumed.
    size_t consume(std::string_view input, std::string_view& data);
    // The peer closed: true when that is a proper end (until_close), false when the body was cut short.
    bool on_end_of_stream();
    bool done() const { return done_; }
    Fault fault() const { return chunked_.fault(); }
    Framing framing() const { return framing_; }
    // Bytes still missing of a length-framed body.
    uint64_t remaining() const { return remaining_; }

private:
    Framing framing_ = Framing::none;
    bool done_ = true;
    uint64_t remaining_ = 0;
    ChunkedScanner chunked_;
};

}  // namespace steelyard::http
