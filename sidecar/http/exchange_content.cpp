// What becomes of an answer's content when a policy wants more than that it is passed on. Here: compression, and sending what does not come
// from the host as it is. Exchanges without such a policy never come here.
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "sidecar/compress/accept_encoding.hpp"
#include "sidecar/http/client_connection.hpp"
#include "sidecar/http/content.hpp"
#include "sidecar/http/content_change.hpp"
#include "sidecar/http/exchange.hpp"

namespace steelyard::http {
namespace {

using Mode = compress::Encoder::Mode;

// Around a chunk's data: "4fd0" CRLF before, CRLF and the last chunk behind.
constexpr size_t kSizeDigits = 4;
constexpr size_t kBefore = kSizeDigits + 2;
constexpr std::string_view kLineEnd = "\r\n";
// What is encoded in one go, and how often in one turn before other connections get theirs: some milliseconds of brotli at most.
constexpr size_t kMaxPiece = size_t{64} * 1024;
constexpr int kMaxPieces = 4;
constexpr std::string_view kLastChunk = "0\r\n\r\n";
static_assert(BufferPool::kLarge < 0x10000);

void put(Buffer& out, std::string_view text) {
    std::memcpy(out.room().data(), text.data(), text.size());
    out.commit(text.size());
}

// The data stands kBefore behind the room's begin.
void frame_chunk(Buffer& out, size_t size) {
    std::array<char, kBefore> before{'0', '0', '0', '0', '\r', '\n'};
    std::array<char, kSizeDigits> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
    const auto count = static_cast<size_t>(end - digits.data());
    std::memcpy(before.data() + kSizeDigits - count, digits.data(), count);
    put(out, {before.data(), before.size()});
    out.commit(size);
    put(out, kLineEnd);
}

}  // namespace

void Exchange::begin_content(const RequestHead& head) {
    const auto& policy = client_.upstream()->snapshot()->policy.http;
    content_ = worker_.contents.acquire();
    if (policy.compression) content_->asked = compress::read_request(head, policy.compression->codings);
    if (policy.cache) begin_cache(head);
}

void Exchange::end_content() {
    forget_content();
    worker_.contents.give_back(std::move(content_));
}

// The answer will not be used.
void Exchange::forget_content() {
    encoding_ = detour_ = false;
    if (recording_) stop_recording();
    content_->forget_answer();
}

// What the final answer's head is to say, and how its body goes on.
ContentChange Exchange::judge_content(const ResponseHead& head) {
    forget_content();
    ContentChange change;
    if (content_->store) judge_storage(head, change);
    judge_compression(head, change);
    return change;
}

void Exchange::judge_compression(const ResponseHead& head, ContentChange& change) {
    const auto* snapshot = client_.upstream()->snapshot();
    if (snapshot == nullptr || !snapshot->policy.http.compression) return;
    const bool http10 = client_minor_version_ == 0;
    const auto verdict = compress::judge(*snapshot->policy.http.compression, content_->asked, head, http10);
    change.vary = verdict != compress::Verdict::as_it_is;
    change.weak_etag = verdict == compress::Verdict::not_modified;
    if (verdict != compress::Verdict::compress) return;
    const auto coding = *content_->asked.coding;
    if (head.framing != Framing::none) {  // HEAD: there is nothing to encode, and the head is that of GET
        content_->encoder = worker_.encoders.acquire(coding);
        if (!content_->encoder) return;
        encoding_ = detour_ = true;
        upstream_counters_->compression.responses[static_cast<size_t>(coding)].add();
    }
    change.coding = compress::token_of(coding);
    change.weak_etag = true;
}

// Makes the next chunk of what there is of the body; nothing is left of the one before. False when the encoder failed.
bool Exchange::encode() {
    Content& content = *content_;
    Buffer& out = content.encoded;
    if (!out.has_block()) out = worker_.buffers.acquire(BufferPool::kLarge);
    out.clear();
    const auto all = content.serving ? content.left : response_.view().substr(0, response_ready_);
    const auto input = all.substr(0, kMaxPiece);
    const Mode mode = input.size() != all.size() ? Mode::more
                      : response_body_.done()    ? Mode::finish
                      : content.flushing         ? Mode::flush
                                                 : Mode::more;
    const size_t around = kBefore + kLineEnd.size() + kLastChunk.size();
    const auto room = out.room().subspan(kBefore, out.room().size() - around);
    const auto step = content.encoder->push(input, room, mode);
    if (step.failed) return false;
    if (content.serving) {
        content.left.remove_prefix(step.taken);
    } else {
        response_.consume(step.taken);
        response_ready_ -= static_cast<uint32_t>(step.taken);
    }
    if (step.taken != 0) content.dirty = true;
    if (step.done && mode != Mode::more) content.dirty = content.flushing = false;
    if (step.written != 0) frame_chunk(out, step.written);
    if (step.done && mode == Mode::finish) {
        put(out, kLastChunk);
        content.ended = true;
    }
    upstream_counters_->compression.bytes_in.add(step.taken);
    upstream_counters_->compression.bytes_out.add(step.written);
    return true;
}

// As send_response(), when the body is encoded on its way or comes from the cache. True when nothing is left to send.
bool Exchange::send_detour() {
    Content& content = *content_;
    for (int pieces = 0;;) {
        if (encoding_ && content.encoded.empty() && !content.ended &&
            (response_ready_ != 0 || response_body_.done() || content.flushing)) {
            if (pieces++ == kMaxPieces) {
                worker_.reactor.rebind(client_.channel().fd(), &client_.channel());
                return false;
            }
            if (!encode()) {
                cut(Failure::upstream_protocol);  // out of memory
                return false;
            }
            if (content.encoded.empty() && !content.ended) continue;
        }
        const std::string_view body = encoding_ ? content.encoded.view() : content.left;
        if (reply_head_.empty() && body.empty()) break;
        std::array<iovec, 2> parts;
        size_t count = 0;
        for (const std::string_view part : {reply_head_.view(), body}) {
            if (!part.empty()) parts[count++] = {const_cast<char*>(part.data()), part.size()};
        }
        const auto io = client_.channel().write(std::span(parts.data(), count));
        if (io.status == Channel::Status::would_block) return false;
        if (io.status != Channel::Status::ok) {
            cut(Failure::client_gone);
            return false;
        }
        const size_t of_head = std::min(io.bytes, reply_head_.size());
        reply_head_.consume(of_head);
        if (encoding_) {
            content.encoded.consume(io.bytes - of_head);
        } else {
            content.left.remove_prefix(io.bytes - of_head);
        }
        upstream_counters_->bytes_to_client.add(io.bytes);
        bytes_out_ += io.bytes;
        touch(timeouts_.stream_idle);
    }
    content.encoded.release();
    if (reply_head_.has_block()) {
        reply_head_.release();
        if (request_done_) forget_request();
    }
    return true;
}

// The host has no more for now: the client is to have all that there is.
void Exchange::flush_encoded() {
    if (phase_ != Phase::exchanging || reply_ != Reply::streaming || !content_->dirty) return;
    content_->flushing = true;
    send_detour();
}

}  // namespace steelyard::http
