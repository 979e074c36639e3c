#include "sidecar/http/body.hpp"

#include <algorithm>

#include "sidecar/http/header_names.hpp"
#include "sidecar/http/scan.hpp"

namespace steelyard::http {
namespace {

constexpr uint16_t kMaxExtensionBytes = 256;
constexpr uint8_t kMaxSizeDigits = 16;

unsigned hex_value(char c) {
    return scan::is_digit(c) ? static_cast<unsigned>(c - '0') : static_cast<unsigned>((c | 0x20) - 'a' + 10);
}

}  // namespace

static_assert(ChunkedScanner::kNameBytes == kLongestKnownName);

size_t ChunkedScanner::consume(std::string_view input) {
    size_t taken = 0;
    std::string_view data;
    while (taken < input.size() && !done() && fault_ == Fault::none) taken += consume(input.substr(taken), data);
    return taken;
}

size_t ChunkedScanner::consume(std::string_view input, std::string_view& data) {
    data = {};
    for (size_t i = 0; i < input.size(); ++i) {
        if (state_ == State::done) return i;
        if (state_ == State::data) {
            const auto bytes = static_cast<size_t>(std::min<uint64_t>(remaining_, input.size() - i));
            data = input.substr(i, bytes);
            remaining_ -= bytes;
            if (remaining_ == 0) state_ = State::data_carriage_return;
            return i + bytes;
        }
        if (fault_ == Fault::none) step(input[i]);
        if (fault_ != Fault::none) return i;
    }
    return input.size();
}

void ChunkedScanner::expect(char c, char wanted, State next, Fault otherwise) {
    if (c == wanted) {
        state_ = next;
    } else {
        refuse(otherwise);
    }
}

void ChunkedScanner::step(char c) {
    switch (state_) {
        case State::size_first:
        case State::size:
            return step_size(c);
        case State::extension:
        case State::quoted:
        case State::quoted_pair:
            return step_extension(c);
        case State::size_line_feed:
            return expect(c, '\n', remaining_ == 0 ? State::trailer_start : State::data, Fault::bare_line_feed);
        case State::data_carriage_return:
            return expect(c, '\r', State::data_line_feed, Fault::bad_chunk);
        case State::data_line_feed:
            return expect(c, '\n', State::size_first, Fault::bad_chunk);
        case State::trailer_start:
        case State::trailer_name:
        case State::trailer_value:
            return step_trailer(c);
        case State::trailer_line_feed:
            return expect(c, '\n', State::trailer_start, Fault::bare_line_feed);
        case State::end_line_feed:
            return expect(c, '\n', State::done, Fault::bare_line_feed);
        case State::data:
        case State::done:
            return;
    }
}

void ChunkedScanner::step_size(char c) {
    if (scan::is(c, scan::kHex)) {
        if (state_ == State::size_first) {
            state_ = State::size;
            digits_ = 0;
            remaining_ = 0;
            extension_bytes_ = 0;
        }
        if (++digits_ > kMaxSizeDigits) return refuse(Fault::bad_chunk);
        remaining_ = remaining_ << 4U | hex_value(c);
        if (remaining_ > static_cast<uint64_t>(INT64_MAX)) refuse(Fault::bad_chunk);
        return;
    }
    if (c == '\n') return refuse(Fault::bare_line_feed);
    if (state_ == State::size_first) return refuse(Fault::bad_chunk);
    if (c == '\r') {
        state_ = State::size_line_feed;
    } else if (c == ';') {
        state_ = State::extension;
    } else {
        refuse(Fault::bad_chunk);
    }
}

// Extensions are passed on unread; quotes are followed only so that no line ends within them.
void ChunkedScanner::step_extension(char c) {
    if (c == '\n') return refuse(Fault::bare_line_feed);
    if (c == '\r' && state_ == State::extension) {
        state_ = State::size_line_feed;
        return;
    }
    if (!scan::is(c, scan::kValue) || ++extension_bytes_ > kMaxExtensionBytes) return refuse(Fault::bad_chunk);
    if (state_ == State::quoted_pair) {
        state_ = State::quoted;
    } else if (c == '"') {
        state_ = state_ == State::quoted ? State::extension : State::quoted;
    } else if (c == '\\' && state_ == State::quoted) {
        state_ = State::quoted_pair;
    }
}

void ChunkedScanner::step_trailer(char c) {
    if (state_ == State::trailer_start) {
        if (c == '\r') {
            state_ = State::end_line_feed;
            return;
        }
        if (scan::is_blank(c)) return refuse(Fault::obsolete_fold);
        state_ = State::trailer_name;
        name_size_ = 0;
    }
    if (c == '\n') return refuse(Fault::bare_line_feed);
    if (++trailer_bytes_ > max_trailer_bytes_) return refuse(Fault::trailer_too_large);
    if (state_ == State::trailer_value) {
        if (c == '\r') {
            state_ = State::trailer_line_feed;
        } else if (!scan::is(c, scan::kValue)) {
            refuse(Fault::bad_header_value);
        }
        return;
    }
    if (c == ':') return end_trailer_name();
    if (!scan::is(c, scan::kToken)) return refuse(Fault::bad_header_name);
    if (name_size_ < name_.size()) name_[name_size_] = c;
    ++name_size_;
}

void ChunkedScanner::end_trailer_name() {
    const bool barred =
        name_size_ <= name_.size() && name_size_ > 0 && is_protected(identify({name_.data(), name_size_}));
    if (barred || name_size_ == 0) return refuse(Fault::bad_header_name);
    state_ = State::trailer_value;
}

void BodyTracker::start(Framing framing, uint64_t content_length) {
    framing_ = framing;
    remaining_ = framing == Framing::length ? content_length : 0;
    done_ = framing == Framing::none || (framing == Framing::length && content_length == 0);
    chunked_ = ChunkedScanner();
}

size_t BodyTracker::consume(std::string_view input) {
    if (framing_ == Framing::chunked) {
        const size_t taken = chunked_.consume(input);
        done_ = chunked_.done();
        return taken;
    }
    std::string_view data;
    return consume(input, data);
}

size_t BodyTracker::consume(std::string_view input, std::string_view& data) {
    data = {};
    if (done_) return 0;
    if (framing_ == Framing::chunked) {
        const size_t taken = chunked_.consume(input, data);
        done_ = chunked_.done();
        return taken;
    }
    data = input;
    if (framing_ == Framing::length) {
        data = input.substr(0, static_cast<size_t>(std::min<uint64_t>(remaining_, input.size())));
        remaining_ -= data.size();
        done_ = remaining_ == 0;
    }
    return data.size();
}

bool BodyTracker::on_end_of_stream() {
    if (framing_ == Framing::until_close) done_ = true;
    return done_;
}

}  // namespace steelyard::http
