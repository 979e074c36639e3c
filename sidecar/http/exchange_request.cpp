// The exchange's way from the client to the host.
#include <algorithm>
#include <array>
#include <utility>

#include "sidecar/access_log/request_note.hpp"
#include "sidecar/http/client_connection.hpp"
#include "sidecar/http/content.hpp"
#include "sidecar/http/exchange.hpp"
#include "sidecar/http/rewrite.hpp"

namespace steelyard::http {
namespace {

// Rounds of a body in one turn before other connections get theirs.
constexpr int kRounds = 32;

// What the host is asked about a kept answer.
Validators validators(const Content& content) {
    if (!content.validating) return {};
    return {content.found.stored->etag(), content.found.stored->last_modified()};
}

}  // namespace

std::string_view Exchange::client_ip() const { return behind_.empty() ? client_.client_ip() : behind_.view(); }

void Exchange::learn_client(const RequestHead& head) {
    behind_ = {};
    if (!client_.peer_trusted()) return;
    if (const auto client = client_behind(head.headers, worker_.forwarding.trusted)) behind_ = IpText(*client);
}

// False when even a large buffer cannot take the head and what is added to it.
bool Exchange::write_head(const RequestHead& head) {
    const auto& options = worker_.forwarding;
    ForwardedFor forwarded{.client_address = client_.client_ip(), .trusted = client_.peer_trusted()};
    forwarded.forwarded = options.forwarded;
    if (options.real_ip) forwarded.real_ip = client_ip();
    std::array<char, RandomIds::kRequestIdBytes> request_id;
    if (options.request_id && !(forwarded.trusted && has_sane_request_id(head.headers))) {
        forwarded.request_id = worker_.ids.request_id(request_id);
        if (note_ != nullptr) note_->set_request_id(forwarded.request_id);
    }
    std::array<char, RandomIds::kTraceparentBytes> traceparent;
    if (options.trace_context) forwarded.traceparent = worker_.ids.traceparent(traceparent);
    const auto* snapshot = client_.upstream()->snapshot();
    const std::string_view default_host = snapshot != nullptr ? std::string_view(snapshot->authority) : "unknown";
    for (const size_t size : {BufferPool::kSmall, BufferPool::kLarge}) {
        request_ = worker_.buffers.acquire(size);
        const size_t written = write_request_head(head, forwarded, default_host, request_.room(), rules(),
                                                  content_ ? validators(*content_) : Validators{});
        if (written != 0) {
            request_.commit(written);
            return true;
        }
    }
    return false;
}

void Exchange::pump_request() {
    for (int round = 0; phase_ == Phase::exchanging && reply_ != Reply::local && !request_done_ && !request_failed_;
         ++round) {
        if (!send_request()) return;
        if (request_body_.done()) {
            request_done_ = true;
            lease_.asked(worker_.reactor.now());
            if (reply_ == Reply::awaited) touch(timeouts_.response_head);
            return;
        }
        if (round == kRounds) {
            worker_.reactor.rebind(client_.channel().fd(), &client_.channel());
            return;
        }
        if (!read_request_body()) return;
    }
}

// Sends what is held. True when nothing is left to send.
bool Exchange::send_request() {
    const auto head_size = static_cast<uint32_t>(request_.size());
    while (head_sent_ < head_size || body_sent_ < body_held_) {
        std::array<iovec, 2> parts;
        size_t count = 0;
        if (head_sent_ < head_size) {
            parts[count++] = {const_cast<char*>(request_.view().data()) + head_sent_, head_size - head_sent_};
        }
        if (body_sent_ < body_held_) {
            parts[count++] = {const_cast<char*>(client_.input().view().data()) + body_sent_, body_held_ - body_sent_};
        }
        const auto io = upstream_->channel.write(std::span(parts.data(), count));
        if (io.status == Channel::Status::would_block) return false;
        if (io.status != Channel::Status::ok) {
            request_failed_ = true;  // it may have answered before it closed: reading will tell
            return false;
        }
        const auto sent = static_cast<uint32_t>(io.bytes);
        const uint32_t of_head = std::min(sent, head_size - head_sent_);
        head_sent_ += of_head;
        body_sent_ += sent - of_head;
        upstream_counters_->bytes_to_upstream.add(sent);
        touch(timeouts_.stream_idle);
    }
    return true;
}

// Replaces the sent part of the body by the next one. False when there is none now, or the exchange is over.
bool Exchange::read_request_body() {
    Channel& channel = client_.channel();
    if (!channel.readable()) return false;
    Buffer& input = client_.input();
    input.consume(std::exchange(body_held_, 0));
    if (body_sent_ != 0) replayable_ = false;
    body_sent_ = 0;
    // A block that a read has filled: the client is faster than we are.
    if (input.has_block() && input.room().empty()) bulk_request_ = true;
    input.clear();  // all of it was this body
    const size_t wanted = bulk_request_ ? BufferPool::kBulk : BufferPool::kLarge;
    if (input.capacity() < wanted) input = worker_.buffers.acquire(wanted);
    const auto io = channel.read(input.room());
    if (io.status == Channel::Status::would_block) {
        input.release();
        return false;
    }
    if (io.status != Channel::Status::ok) {
        cut(Failure::client_gone);
        return false;
    }
    input.commit(io.bytes);
    touch(timeouts_.stream_idle);
    body_held_ = static_cast<uint32_t>(request_body_.consume(input.view()));
    bytes_in_ += body_held_;
    if (request_body_.fault() == Fault::none) return true;
    worker_.counters.faults[static_cast<size_t>(request_body_.fault())].add();
    if (reply_ == Reply::awaited) {
        answer(400, to_string(request_body_.fault()), Failure::bad_request_body);
    } else {
        cut(Failure::bad_request_body);
    }
    return false;
}

}  // namespace steelyard::http
