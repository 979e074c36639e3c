// The exchange's way from the host to the client.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "sidecar/access_log/connection_note.hpp"
#include "sidecar/http/client_connection.hpp"
#include "sidecar/http/content_change.hpp"
#include "sidecar/http/exchange.hpp"
#include "sidecar/http/rewrite.hpp"
#include "sidecar/l4/tunnel.hpp"

namespace steelyard::http {
namespace {

constexpr int kRounds = 32;
constexpr int kEncodingRounds = 2;  // of a body that is compressed on its way

}  // namespace

void Exchange::pump_response() {
    for (int round = 0; phase_ == Phase::exchanging; ++round) {
        if (!send_response()) return;
        if (reply_ == Reply::local && !drain_request()) return;
        if (reply_ == Reply::local || (reply_ == Reply::streaming && response_body_.done())) return complete();
        if (reply_ == Reply::switching) return upgrade();
        if (round == (encoding_ ? kEncodingRounds : kRounds)) {
            worker_.reactor.rebind(upstream_->channel.fd(), &upstream_->channel);
            return;
        }
        if (!read_response()) {
            if (encoding_) flush_encoded();
            return;
        }
    }
}

// True when there may be something to send or more to read.
bool Exchange::read_response() {
    if (reply_ == Reply::awaited) return read_response_head();
    return reply_ == Reply::held ? read_held_body() : read_response_body();
}

bool Exchange::read_response_head() {
    if (response_.empty() || need_more_) {
        if (!response_.has_block()) {
            if (!upstream_->channel.readable()) return false;
            if (upstream_->reused && picked_ == worker_.reactor.now()) {
                // What epoll reported before the request was sent is nobody's answer, or the connection's end.
                on_upstream_lost();
                return phase_ == Phase::exchanging;
            }
            response_ = worker_.buffers.acquire(BufferPool::kLarge);
        }
        if (response_.room().empty()) response_.compact();
        const auto io = upstream_->channel.read(response_.room());
        if (io.status == Channel::Status::would_block) {
            if (response_.empty()) response_.release();
            return false;
        }
        if (io.status != Channel::Status::ok) {
            on_upstream_lost();
            return phase_ == Phase::exchanging;
        }
        response_.commit(io.bytes);
        need_more_ = false;
    }
    auto& head = worker_.response_head;
    const auto parsed = parse_response(response_.view(), scanned_, worker_.limits, method_, head);
    if (parsed.state == ParseState::incomplete) {
        need_more_ = true;
        return true;
    }
    if (parsed.state == ParseState::refused || (head.status == 101 && !(wants_upgrade_ && request_done_))) {
        client_.upstream()->note_failure(*lease_.host());
        answer(502, "the endpoint's answer is not valid HTTP", Failure::upstream_protocol);
        return true;
    }
    scanned_ = 0;
    if (head.informational() && ++interims_ > kMaxInterims) {
        client_.upstream()->note_failure(*lease_.host());
        answer(502, "the endpoint sends interim answers without end", Failure::upstream_protocol);
        return true;
    }
    if (!take_response_head(head)) {
        answer(502, "the endpoint's answer has too large a head", Failure::upstream_protocol);
        return true;
    }
    if (upstream_ == nullptr) return true;  // a kept answer stands in for an error
    response_.consume(parsed.head_bytes);
    if (reply_ == Reply::streaming) {
        accept_response_body();
        if (phase_ == Phase::exchanging && may_hold()) reply_ = Reply::held;
    }
    return true;
}

// Decides how the answer goes on to the client. False when its head does not fit.
bool Exchange::take_response_head(const ResponseHead& head) {
    if (head.status == 101) {
        reply_ = Reply::switching;
        return append_reply_head(head, true);
    }
    if (head.informational()) {
        if (!head.keep_alive) spoilt_ = true;
        // An HTTP/1.0 client does not know interim answers (RFC 9110 section 15.2).
        return client_minor_version_ == 0 || append_reply_head(head, false);
    }
    status_ = head.status;
    // An error quickly said is no reason to send more there.
    if (head.status < 500) lease_.answered(worker_.reactor.now());
    answered_ = worker_.reactor.now();
    upstream_keep_alive_ = head.keep_alive && !spoilt_ && head.framing != Framing::until_close;
    dechunk_ = head.framing == Framing::chunked && client_minor_version_ == 0;
    // With an answer that overtakes its request the connection ends: what is left of the body is read by nobody.
    close_client_ =
        !client_keep_alive_ || client_.leaving() || dechunk_ || head.framing == Framing::until_close || !request_done_;
    response_body_.start(head.framing, head.content_length);
    if (content_ != nullptr) {
        if (answer_validated(head)) return true;
        const ContentChange change = judge_content(head);
        if (!append_reply_head(head, false, &change)) return false;
    } else if (!append_reply_head(head, false)) {
        return false;
    }
    reply_ = Reply::streaming;
    touch(timeouts_.stream_idle);
    return true;
}

bool Exchange::append_reply_head(const ResponseHead& head, bool upgraded, const ContentChange* content) {
    const ResponseRewrite rewrite{close_client_, client_minor_version_, upgraded, dechunk_, response_edits(), content};
    if (!reply_head_.has_block()) reply_head_ = worker_.buffers.acquire(BufferPool::kSmall);
    size_t written = write_response_head(head, rewrite, reply_head_.room());
    if (written == 0) {
        if (reply_head_.capacity() < BufferPool::kLarge) {
            worker_.buffers.grow(reply_head_);
        } else {
            reply_head_.compact();
        }
        written = write_response_head(head, rewrite, reply_head_.room());
    }
    reply_head_.commit(written);
    return written != 0;
}

// Sends heads and body bytes in hand. True when nothing is left to send.
bool Exchange::send_response() {
    if (reply_ == Reply::held) return true;
    if (detour_) return send_detour();
    while (!reply_head_.empty() || response_ready_ != 0) {
        std::array<iovec, 2> parts;
        size_t count = 0;
        const size_t head_size = reply_head_.size();
        if (head_size != 0) parts[count++] = {const_cast<char*>(reply_head_.view().data()), head_size};
        if (response_ready_ != 0) parts[count++] = {const_cast<char*>(response_.view().data()), response_ready_};
        const auto io = client_.channel().write(std::span(parts.data(), count));
        if (io.status == Channel::Status::would_block) return false;
        if (io.status != Channel::Status::ok) {
            cut(Failure::client_gone);
            return false;
        }
        const size_t of_head = std::min(io.bytes, head_size);
        reply_head_.consume(of_head);
        response_.consume(io.bytes - of_head);
        response_ready_ -= static_cast<uint32_t>(io.bytes - of_head);
        upstream_counters_->bytes_to_client.add(io.bytes);
        bytes_out_ += io.bytes;
        touch(timeouts_.stream_idle);
    }
    if (reply_head_.has_block()) {
        reply_head_.release();
        if (reply_ == Reply::streaming && request_done_) forget_request();
    }
    return true;
}

// The answer is on its way to the client: the request will not be sent again.
void Exchange::forget_request() {
    request_.release();
    Buffer& input = client_.input();
    input.consume(std::exchange(body_held_, 0));
    if (input.empty()) input.release();
}

// Is the rest of the answer worth waiting for? Only when the request can be sent again if it does not come.
bool Exchange::may_hold() const {
    return !response_body_.done() && response_body_.framing() == Framing::length && request_done_ && replayable_ &&
           is_idempotent(method_) && response_body_.remaining() <= response_.capacity() - response_.size();
}

// Adds to the answer in response_, of which nothing was sent yet.
bool Exchange::read_held_body() {
    if (!upstream_->channel.readable()) return false;
    if (response_.room().size() < response_body_.remaining()) response_.compact();
    const auto io = upstream_->channel.read(response_.room());
    if (io.status == Channel::Status::would_block) return false;
    if (io.status != Channel::Status::ok) {
        reply_head_.clear();
        reply_ = Reply::awaited;
        on_upstream_lost();
        return phase_ == Phase::exchanging;
    }
    const size_t before = response_.size();
    response_.commit(io.bytes);
    const std::string_view fresh = response_.view().substr(before);
    response_ready_ += static_cast<uint32_t>(recording_ ? record_body(fresh) : response_body_.consume(fresh));
    touch(timeouts_.stream_idle);
    if (response_body_.done()) reply_ = Reply::streaming;
    if (recording_ && response_body_.done()) keep_recorded();
    return true;
}

// Everything in response_ was sent: reads the next part. False when there is none now, or the exchange is over.
bool Exchange::read_response_body() {
    if (!upstream_->channel.readable()) {
        response_.release();
        return false;
    }
    // A block that a read has filled: the host is faster than we are.
    if (response_.has_block() && response_.room().empty()) bulk_response_ = true;
    const size_t wanted = bulk_response_ ? BufferPool::kBulk : BufferPool::kLarge;
    if (response_.capacity() < wanted) response_ = worker_.buffers.acquire(wanted);
    response_.clear();
    const auto io = upstream_->channel.read(response_.room());
    if (io.status == Channel::Status::would_block) {
        response_.release();
        return false;
    }
    if (io.status == Channel::Status::closed && response_body_.on_end_of_stream()) return true;
    if (io.status != Channel::Status::ok) {
        cut(Failure::upstream_cut);
        return false;
    }
    response_.commit(io.bytes);
    accept_response_body();
    return phase_ == Phase::exchanging;
}

// Sets response_ready_ to the body bytes at the front of response_. Bytes beyond the body's end stay behind them: the
// connection is not used again then.
void Exchange::accept_response_body() {
    if (!dechunk_ && !encoding_) {
        const size_t taken = recording_ ? record_body(response_.view()) : response_body_.consume(response_.view());
        response_ready_ = static_cast<uint32_t>(taken);
    } else {
        char* const front = const_cast<char*>(response_.view().data());
        size_t kept = 0;
        size_t taken = 0;
        while (taken < response_.size() && !response_body_.done() && response_body_.fault() == Fault::none) {
            std::string_view data;
            taken += response_body_.consume(response_.view().substr(taken), data);
            if (!data.empty()) std::memmove(front + kept, data.data(), data.size());
            kept += data.size();
        }
        if (taken < response_.size()) upstream_keep_alive_ = false;  // bytes that are nobody's answer
        response_.truncate(kept);
        response_ready_ = static_cast<uint32_t>(kept);
        if (recording_) record(response_.view());
    }
    if (response_body_.fault() != Fault::none) return cut(Failure::upstream_cut);
    if (recording_ && response_body_.done()) keep_recorded();
}

// The switch is with the client: what was read behind it, on either side, is the tunnel's.
void Exchange::upgrade() {
    status_ = 101;
    upstream_counters_->responses[1].add();
    client_.input().consume(body_held_);
    Tunnel::upgrade(worker_, client_.upstream(),
                    {client_.channel(), std::exchange(upstream_, nullptr), std::move(lease_), std::move(response_),
                     std::move(client_.input()), pass_on_note()});
    end(Outcome::upgraded);
}

}  // namespace steelyard::http
