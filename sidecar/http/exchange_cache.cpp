// What the exchange does with a cache (RFC 9111): answers from it, asks the host whether what is kept is still so, keeps answers. Exchanges
// without one never come here.
#include <ctime>

#include "sidecar/http/client_connection.hpp"
#include "sidecar/http/content.hpp"
#include "sidecar/http/content_change.hpp"
#include "sidecar/http/exchange.hpp"
#include "sidecar/http/field_list.hpp"
#include "sidecar/http/head_writer.hpp"

namespace steelyard::http {
namespace {

// Bodies on their way into a cache may take this part of its bound, for each worker.
constexpr size_t kDraftShare = 4;
constexpr std::string_view kTooLarge = "the kept answer has too large a head";

int64_t unix_now() {
    timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);  // no system call
    return now.tv_sec;
}

// What a trusted peer says of scheme and host changes what endpoints answer, and is not in the target.
std::string variant_of(const RequestHead& head) {
    std::string variant;
    for (const Header& field : head.headers) {
        if (field.id == HeaderId::x_forwarded_proto || field.id == HeaderId::x_forwarded_host) {
            variant.append(field.value).append("|");
        }
    }
    return variant;
}

// The fields that go on to clients; hop-by-hop ones are of this connection alone.
std::vector<Header> end_to_end(const HeaderList& headers) {
    const FieldFilter filter(headers, kHopByHop | bit(HeaderId::upgrade) | bit(HeaderId::trailer));
    std::vector<Header> fields;
    for (const Header& field : headers) {
        if (filter.keeps(field)) fields.push_back(field);
    }
    return fields;
}

bool is_failure(uint16_t status) { return status == 500 || (status >= 502 && status <= 504); }

}  // namespace

void Exchange::begin_cache(const RequestHead& head) {
    content_->store = client_.upstream()->snapshot()->cache;
    content_->request.read(head, client_.peer_trusted() ? variant_of(head) : std::string());
}

// True when the answer needs no host: nothing of the request goes on.
bool Exchange::answer_from_cache() {
    Content& content = *content_;
    if (!content.store) return false;
    content.asked_at = unix_now();
    if (!content.request.readable()) {
        content.why = content.request.unsafe() ? "method" : "bypass";
        return false;
    }
    content.found = content.store->find(content.request);
    const auto& stored = content.found.stored;
    const auto& wanted = content.request.directives();
    if (stored && stored->satisfies(wanted, content.asked_at) && serve(stored, "hit")) {
        upstream_counters_->cache.hits.add();
        return true;
    }
    if (wanted.only_if_cached) {
        close_client_ = !client_keep_alive_ || client_.leaving();
        append_error(504, "no answer is kept that is fresh enough, and no other is wanted");
        response_body_.start(Framing::none, 0);
        reply_ = Reply::local;
        touch(timeouts_.stream_idle);
        return true;
    }
    const bool fresh = stored && stored->satisfies({}, content.asked_at);
    content.why = stored ? (fresh ? "request" : "stale") : content.found.others ? "vary-miss" : "uri-miss";
    content.validating =
        stored && method_ == Method::get && !(stored->etag().empty() && stored->last_modified().empty());
    upstream_counters_->cache.misses.add();
    return false;
}

// Makes `stored` the answer, or a 304 for a client that has it. False when its head does not fit: nothing has changed then.
bool Exchange::serve(std::shared_ptr<const cache::Stored> stored, std::string_view status) {
    Content& content = *content_;
    auto& head = worker_.response_head;
    if (stored->not_modified_for(content.request)) {
        stored->fill_not_modified(head);
    } else {
        stored->fill(head);
    }
    const bool has_body = head.framing == Framing::length && method_ != Method::head;
    if (!has_body) head.framing = Framing::none;
    forget_content();
    const int64_t now = unix_now();
    const int64_t age = stored->age(now);
    content.status.assign("steelyard; ").append(status);
    content.status.append("; ttl=").append(std::to_string(stored->lifetime() - age));
    ContentChange change{.age = static_cast<uint64_t>(age), .cache_status = content.status};
    dechunk_ = false;
    close_client_ = !client_keep_alive_ || client_.leaving();
    judge_compression(head, change);
    if (!append_reply_head(head, false, &change)) {
        forget_content();
        return false;
    }
    status_ = head.status;
    content.left = has_body ? std::string_view(stored->body()) : std::string_view();
    content.serving = std::move(stored);
    detour_ = true;
    request_done_ = true;
    response_body_.start(Framing::none, 0);
    reply_ = Reply::streaming;
    touch(timeouts_.stream_idle);
    return true;
}

// In the place of an error that the proxy would have to say itself.
bool Exchange::serve_on_error() {
    const auto stored = content_->found.stored;
    if (!stored || !stored->usable_on_error(unix_now()) || !serve(stored, "hit; detail=stale-if-error")) return false;
    upstream_counters_->cache.stale.add();
    return true;
}

// The host's answer is about what is kept, or a failure that it stands in for. True when the client gets that.
bool Exchange::answer_validated(const ResponseHead& head) {
    Content& content = *content_;
    const auto stored = content.found.stored;
    if (!stored) return false;
    if (is_failure(head.status) && stored->usable_on_error(unix_now())) {
        drop_upstream(true);
        if (!serve_on_error()) answer(502, kTooLarge, Failure::upstream_protocol);
        return true;
    }
    if (!content.validating || head.status != 304) return false;
    upstream_counters_->cache.validated.add();
    const cache::Stored::Times times{content.asked_at, unix_now()};
    auto kept = std::make_shared<const cache::Stored>(*stored, end_to_end(head.headers), times);
    content.store->keep(content.request, kept, content.found.generation);
    if (!serve(std::move(kept), "hit; fwd=stale; fwd-status=304")) answer(502, kTooLarge, Failure::upstream_protocol);
    return true;
}

void Exchange::judge_storage(const ResponseHead& head, ContentChange& change) {
    Content& content = *content_;
    if (content.request.unsafe() && head.status < 400) invalidate(head);
    content.status.assign("steelyard; fwd=").append(content.why);
    if (begin_draft(head)) content.status.append("; stored");
    change.cache_status = content.status;
}

// RFC 9111 section 4.4: the target, and what the answer names on the same host.
void Exchange::invalidate(const ResponseHead& head) {
    Content& content = *content_;
    content.store->invalidate(content.request.key());
    for (const std::string_view name : {"location", "content-location"}) {
        const Header* const field = find_field(head.headers, name);
        if (field == nullptr) continue;
        if (const std::string key = content.request.key_of(field->value); !key.empty()) content.store->invalidate(key);
    }
}

bool Exchange::begin_draft(const ResponseHead& head) {
    Content& content = *content_;
    const int64_t now = unix_now();
    if (content.found.generation == UINT64_MAX || !cache::Stored::may_keep(content.request, head, now)) return false;
    const uint64_t most = content.store->limits().max_object_bytes;
    if (head.framing == Framing::length && head.content_length > most) return false;
    content.draft = std::make_unique<cache::Stored>(content.request, head, end_to_end(head.headers),
                                                    cache::Stored::Times{content.asked_at, now}, nullptr);
    content.draft_body = std::make_shared<std::string>();
    if (head.framing == Framing::length) content.draft_body->reserve(head.content_length);
    recording_ = true;
    return true;
}

void Exchange::record(std::string_view data) {
    const auto& limits = content_->store->limits();
    auto& body = *content_->draft_body;
    const bool too_large = body.size() + data.size() > limits.max_object_bytes;
    if (too_large || worker_.contents.draft_bytes + data.size() > limits.max_bytes / kDraftShare)
        return stop_recording();
    body.append(data);
    worker_.contents.draft_bytes += data.size();
}

// As BodyTracker::consume().
size_t Exchange::record_body(std::string_view input) {
    size_t taken = 0;
    while (taken < input.size() && !response_body_.done() && response_body_.fault() == Fault::none) {
        std::string_view data;
        taken += response_body_.consume(input.substr(taken), data);
        if (recording_) record(data);
    }
    return taken;
}

void Exchange::stop_recording() {
    recording_ = false;
    worker_.contents.draft_bytes -= content_->draft_body->size();
    content_->draft.reset();
    content_->draft_body.reset();
}

// The body is whole.
void Exchange::keep_recorded() {
    Content& content = *content_;
    content.draft_body->shrink_to_fit();
    content.draft->set_body(content.draft_body);
    const std::shared_ptr<const cache::Stored> stored = std::move(content.draft);
    if (content.store->keep(content.request, stored, content.found.generation)) upstream_counters_->cache.kept.add();
    stop_recording();
}

}  // namespace steelyard::http
