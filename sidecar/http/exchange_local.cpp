// Requests that the proxy answers itself and no host sees: redirects, and TRACE and OPTIONS that may go no further.
#include "sidecar/http/client_connection.hpp"
#include "sidecar/http/exchange.hpp"
#include "sidecar/http/rewrite.hpp"
#include "sidecar/http/rules.hpp"

namespace steelyard::http {
namespace {

constexpr size_t kMaxError = 512;  // what write_error() needs at most, without edits
// How much of a body that nobody wants is read so that the connection can go on. With a longer one it ends.
constexpr uint64_t kMaxDrain = uint64_t{256} * 1024;

// What the request came by: as a trusted peer says, else as it came here.
std::string_view own_scheme(const RequestHead& head, bool trusted) {
    std::string_view scheme = "http";
    if (!trusted || !head.headers.has(HeaderId::x_forwarded_proto)) return scheme;
    for (const Header& field : head.headers) {
        if (field.id == HeaderId::x_forwarded_proto && field.value == "https") scheme = "https";
    }
    return scheme;
}

// Who waits for a 100 will not send the body after another answer, or may: nobody knows where the next request begins.
bool can_drain(const RequestHead& head) {
    if (head.framing == Framing::none) return true;
    return !head.expect_continue && (head.framing != Framing::length || head.content_length <= kMaxDrain);
}

}  // namespace

const Rules* Exchange::rules() const {
    const auto* snapshot = client_.upstream()->snapshot();
    return snapshot != nullptr ? snapshot->rules.get() : nullptr;
}

const Edits* Exchange::response_edits() const {
    const Rules* const active = rules();
    return active != nullptr ? &active->response : nullptr;
}

// True when the answer is in reply_head_: nothing of the request goes on.
bool Exchange::answer_locally(const RequestHead& head) {
    const Rules* const active = rules();
    const bool last_hop = head.max_forwards == uint32_t{0};
    if (!last_hop && (active == nullptr || !active->redirect)) return false;
    close_client_ = !client_keep_alive_ || client_.leaving() || !can_drain(head);
    if (last_hop) {
        answer_as_last_hop();
    } else if (head.authority.empty() && active->redirect->host.empty()) {
        append_error(400, "a request without Host cannot be redirected");
    } else {
        redirect(head, *active);
    }
    response_body_.start(Framing::none, 0);
    reply_ = Reply::local;
    touch(timeouts_.stream_idle);
    return true;
}

void Exchange::redirect(const RequestHead& head, const Rules& active) {
    status_ = active.redirect->status;
    const LocalAnswer answer{status_, close_client_, client_minor_version_, &active.response};
    for (const size_t size : {BufferPool::kSmall, BufferPool::kLarge}) {
        reply_head_ = worker_.buffers.acquire(size);
        const std::string_view scheme = own_scheme(head, client_.peer_trusted());
        reply_head_.commit(write_redirect(*active.redirect, head, scheme, answer, reply_head_.room()));
        if (!reply_head_.empty()) return;
    }
    append_error(414, "the request's target is too long for a redirect");
}

// TRACE would have us send back what the request holds: credentials, and what proxies before us added (RFC 9110 section 9.3.8).
void Exchange::answer_as_last_hop() {
    if (method_ != Method::options) return append_error(405, "this proxy does not answer TRACE");
    status_ = 200;
    reply_head_ = worker_.buffers.acquire(BufferPool::kLarge);
    reply_head_.commit(
        write_empty({status_, close_client_, client_minor_version_, response_edits()}, reply_head_.room()));
}

// Behind what is in reply_head_, which may be an interim answer that is not out yet.
void Exchange::append_error(uint16_t status, std::string_view detail) {
    status_ = status;
    const Edits* const edits = response_edits();
    const size_t most = kMaxError + (edits != nullptr ? edits->lines().size() : 0);
    if (!reply_head_.has_block()) reply_head_ = worker_.buffers.acquire(BufferPool::kSmall);
    if (reply_head_.room().size() < most) {
        if (reply_head_.capacity() < BufferPool::kLarge) worker_.buffers.grow(reply_head_);
        reply_head_.compact();
    }
    detail = detail.substr(0, 200);
    const bool no_body = method_ == Method::head;
    size_t written = write_error(status, detail, close_client_, no_body, reply_head_.room(), edits);
    if (written == 0) written = write_error(status, detail, close_client_, no_body, reply_head_.room());
    reply_head_.commit(written);
}

// The answer is out: reads what is left of a body that nobody wants. True when the exchange can be completed.
bool Exchange::drain_request() {
    Channel& channel = client_.channel();
    Buffer& input = client_.input();
    while (!close_client_ && !request_body_.done()) {
        if (!channel.readable()) return false;
        input.clear();  // all of it was this body
        body_held_ = 0;
        if (!input.has_block()) input = worker_.buffers.acquire(BufferPool::kLarge);
        const auto io = channel.read(input.room());
        if (io.status == Channel::Status::would_block) {
            input.release();
            return false;
        }
        if (io.status == Channel::Status::ok) input.commit(io.bytes);
        const size_t taken = request_body_.consume(input.view());
        bytes_in_ += taken;
        input.consume(taken);
        close_client_ =
            io.status != Channel::Status::ok || request_body_.fault() != Fault::none || bytes_in_ > kMaxDrain;
    }
    request_done_ = request_body_.done();
    return true;
}

}  // namespace steelyard::http
