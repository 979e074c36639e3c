#include "sidecar/http/exchange.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "sidecar/access_log/worker_log.hpp"
#include "sidecar/http/client_connection.hpp"
#include "sidecar/http/content.hpp"
#include "sidecar/http/hash_value.hpp"
#include "sidecar/http/rewrite.hpp"
#include "sidecar/proxy_protocol/header.hpp"

namespace steelyard::http {
namespace {

constexpr std::string_view kLost = "the endpoint closed the connection before it answered";

// Asks the kernel whether an idle connection was closed by the host in this very moment.
bool is_dead(const Channel& channel) {
    char byte;
    const ssize_t n = ::recv(channel.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace

Exchange::Exchange(ClientConnection& client)
    : client_(client), worker_(client.worker()), upstream_counters_(&client.upstream()->counters()) {}

Exchange::~Exchange() {
    if (upstream_ != nullptr) client_.upstream()->discard(upstream_);
    if (phase_ != Phase::done) upstream_counters_->active_connections.sub();
    if (content_ != nullptr) end_content();
    if (note_ != nullptr) write_log(access_log::kShutdown);
}

void Exchange::begin(const RequestHead& head, uint32_t head_bytes) {
    upstream_counters_ = &client_.upstream()->counters();
    upstream_counters_->active_connections.add();
    tried_.clear();
    head_sent_ = body_held_ = body_sent_ = response_ready_ = scanned_ = 0;
    started_ = worker_.reactor.now();
    answered_ = {};
    bytes_out_ = 0;
    failure_ = Failure::kCount;
    if (worker_.access_log != nullptr) note_ = worker_.access_log->take_note(head);
    status_ = 0;
    tries_ = 0;
    method_ = head.method;
    client_minor_version_ = head.minor_version;
    phase_ = Phase::exchanging;
    reply_ = Reply::awaited;
    outcome_ = Outcome::none;
    client_keep_alive_ = head.keep_alive;
    wants_upgrade_ = head.upgrade;
    request_done_ = request_failed_ = host_lost_ = need_more_ = spoilt_ = false;
    interims_ = 0;
    upstream_keep_alive_ = close_client_ = dechunk_ = fresh_connection_ = false;
    bulk_request_ = bulk_response_ = false;
    replayable_ = true;
    timeouts_ = limits();
    learn_client(head);
    if (note_ != nullptr) note_->set_real_ip(client_ip());

    const auto* snapshot = client_.upstream()->snapshot();
    if (snapshot != nullptr && config::is_hashing(snapshot->policy.algorithm)) {
        const std::string_view key = hash_value(snapshot->policy.hash, head);
        hash_ = balancer::hash_key(key.empty() ? client_ip() : key);
    }
    if (snapshot != nullptr && snapshot->changes_content) begin_content(head);
    request_body_.start(head.framing, head.content_length);
    const bool local = answer_locally(head) || (content_ != nullptr && answer_from_cache());
    const bool written = local || write_head(head);

    Buffer& input = client_.input();
    input.consume(head_bytes);
    body_held_ = static_cast<uint32_t>(request_body_.consume(input.view()));
    bytes_in_ = head_bytes + body_held_;
    if (input.empty()) input.release();
    if (request_body_.fault() != Fault::none) {
        worker_.counters.faults[static_cast<size_t>(request_body_.fault())].add();
        reply_head_.release();
        return answer(400, to_string(request_body_.fault()), Failure::bad_request_body);
    }
    if (local) {
        request_done_ = request_body_.done();
        return;
    }
    if (!written) return answer(431, "the request's head is too large to be passed on", Failure::bad_request_body);
    try_next_host();
}

Exchange::Limits Exchange::limits() const {
    const auto& process = worker_.timeouts;
    const auto* snapshot = client_.upstream()->snapshot();
    if (snapshot == nullptr) return {process.connect, process.response_head, process.stream_idle};
    const auto& own = snapshot->policy.timeouts;
    const auto either = [](uint32_t ms, Milliseconds other) { return ms != 0 ? Milliseconds(ms) : other; };
    return {either(own.connect_ms, process.connect), either(own.response_ms, process.response_head),
            either(own.idle_ms, process.stream_idle)};
}

void Exchange::drive() {
    if (driving_ || phase_ == Phase::done) return;
    driving_ = true;
    progress();
    driving_ = false;
    report();
}

void Exchange::report() {
    if (phase_ != Phase::done) return;
    // Told last: the client may begin the next exchange in this very object.
    switch (std::exchange(outcome_, Outcome::none)) {
        case Outcome::keep:
            return client_.exchange_finished(true);
        case Outcome::close:
            return client_.exchange_finished(false);
        case Outcome::parting:
            return client_.exchange_parted();
        case Outcome::broken:
            return client_.exchange_broken();
        case Outcome::upgraded:
            return client_.exchange_upgraded();
        case Outcome::none:
            return;
    }
}

void Exchange::progress() {
    if (client_.channel().broken()) return cut(Failure::client_gone);
    if (phase_ == Phase::connecting) {
        const Channel& channel = upstream_->channel;
        if (!channel.writable() && !channel.broken()) return;
        if (const int error = channel.connect_error(); error != 0 || !introduce()) {
            on_connect_failed(fault_of_connect(error));
        } else {
            phase_ = Phase::exchanging;
            touch(timeouts_.stream_idle);
        }
    }
    if (phase_ == Phase::exchanging) pump_request();
    if (phase_ == Phase::exchanging) pump_response();
}

// Leaves the exchange connecting, connected, or with an answer of our own.
void Exchange::try_next_host() {
    auto& upstream = *client_.upstream();
    while (tries_ < kMaxTries) {
        auto host = upstream.pick({hash_}, tried_);
        if (!host) break;
        if (tries_++ != 0) upstream_counters_->retries.add();
        lease_ = HostLease(std::move(host), worker_.reactor.now());
        if (note_ != nullptr) note_->set_endpoint(lease_.host()->id());
        head_sent_ = body_sent_ = 0;
        picked_ = worker_.reactor.now();
        request_done_ = request_failed_ = false;
        const bool own = upstream.transparent() || header_version() != config::ProxyProtocol::none;
        upstream_ = upstream.acquire(lease_.host(), fresh_connection_ || own);
        // What may not be sent twice is not sent into a connection that the host has just closed.
        while (upstream_->reused && !(is_idempotent(method_) && request_body_.done()) && is_dead(upstream_->channel)) {
            upstream.discard(upstream_);
            upstream_ = upstream.acquire(lease_.host(), false);
        }
        upstream_->channel.set_owner(*this);
        if (upstream_->reused) {
            phase_ = Phase::exchanging;
            return touch(timeouts_.stream_idle);
        }
        upstream_counters_->connects.add();
        const auto status = connect();
        if (status == Channel::Status::would_block) {
            phase_ = Phase::connecting;
            worker_.sessions.hurry(client_);
            return touch(timeouts_.connect);
        }
        if (status == Channel::Status::ok && introduce()) {
            phase_ = Phase::exchanging;
            return touch(timeouts_.stream_idle);
        }
        upstream_counters_->connect_failures.add();
        client_.upstream()->note_failure(*lease_.host(), fault_of_connect(errno));
        tried_.add(lease_.host().get());
        drop_upstream(false);
    }
    phase_ = Phase::exchanging;
    if (tries_ == 0) return answer(503, client_.upstream()->unready(), Failure::no_host);
    if (host_lost_) return answer(502, kLost, Failure::upstream_reset);
    answer(502, "no endpoint of " + client_.upstream()->name() + " could be reached", Failure::connect);
}

// A connection that speaks with the client's address is not for others.
Channel::Status Exchange::connect() {
    const bool transparent = client_.upstream()->transparent();
    upstream_->personal = transparent;
    const auto status =
        upstream_->channel.connect(worker_.reactor, lease_.host()->address(), transparent ? &client_.peer() : nullptr);
    if (transparent && !upstream_->channel.speaks_as_client()) worker_.counters.address_lost.add();
    return status;
}

config::ProxyProtocol Exchange::header_version() const {
    const auto* snapshot = client_.upstream()->snapshot();
    return snapshot != nullptr ? snapshot->policy.proxy_protocol : config::ProxyProtocol::none;
}

// Tells the host who the client is, where the policy wants that. Such a connection is not for others: their requests would be
// taken for this client's.
bool Exchange::introduce() {
    const auto version = header_version();
    if (version == config::ProxyProtocol::none) return true;
    std::array<char, proxy_protocol::kMaxWritten> header;
    const SocketAddress destination = local_address(client_.channel().fd()).value_or(client_.peer());
    const size_t size = proxy_protocol::write(version, client_.peer(), destination, header);
    upstream_->personal = true;
    return upstream_->channel.write(std::string_view(header.data(), size)).bytes == size;
}

void Exchange::on_connect_failed(HostFault fault) {
    upstream_counters_->connect_failures.add();
    client_.upstream()->note_failure(*lease_.host(), fault);
    tried_.add(lease_.host().get());
    drop_upstream(false);
    try_next_host();
}

// The host broke off before its answer, or within one of which the client has seen nothing.
void Exchange::on_upstream_lost() {
    host_lost_ = true;
    if (upstream_->reused) {
        fresh_connection_ = true;  // a pooled connection says little about the host
    } else {
        client_.upstream()->note_failure(*lease_.host());
        tried_.add(lease_.host().get());
    }
    // A request of which no byte was taken can go again whatever its method; else only one that does no harm twice.
    const bool harmless = is_idempotent(method_) || head_sent_ == 0;
    drop_upstream(false);
    if (!replayable_ || !harmless || tries_ >= kMaxTries) {
        return answer(502, kLost, Failure::upstream_reset);
    }
    try_next_host();
    if (phase_ == Phase::exchanging && reply_ == Reply::awaited) pump_request();
}

void Exchange::drop_upstream(bool abort) {
    if (upstream_ != nullptr) {
        if (abort) upstream_->channel.abort();
        client_.upstream()->discard(std::exchange(upstream_, nullptr));
    }
    lease_.end();
    if (content_) forget_content();
    response_.release();
    response_ready_ = scanned_ = 0;
    need_more_ = spoilt_ = false;
    interims_ = 0;
}

// Says it ourselves. Only while no final head went to the client.
void Exchange::answer(uint16_t status, std::string_view detail, Failure failure) {
    count(failure);
    drop_upstream(!request_done_);
    answered_ = {};
    request_done_ = request_body_.done();
    close_client_ = !request_done_ || !client_keep_alive_ || client_.leaving();
    response_body_.start(Framing::none, 0);
    if (reply_ == Reply::held) reply_head_.clear();
    if (content_ != nullptr && serve_on_error()) return;
    reply_ = Reply::local;
    append_error(status, detail);
    touch(timeouts_.stream_idle);
}

// Nothing can be said any more: both sides see a broken message.
void Exchange::cut(Failure failure) {
    count(failure);
    if (failure == Failure::upstream_cut) client_.upstream()->note_failure(*lease_.host());
    drop_upstream(true);
    end(Outcome::broken);
}

void Exchange::complete() {
    auto& counters = *upstream_counters_;
    counters.responses[static_cast<size_t>(status_ / 100)].add();
    const auto took = worker_.reactor.now() - started_;
    counters.latency.observe(
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    if (upstream_ != nullptr) {
        const bool reusable = upstream_keep_alive_ && request_done_ && !request_failed_ && response_.empty();
        if (reusable) {
            client_.upstream()->release(std::exchange(upstream_, nullptr));
        } else {
            client_.upstream()->discard(std::exchange(upstream_, nullptr));
        }
    }
    lease_.end();
    const bool keep = !close_client_ && request_done_;
    if (request_done_) client_.input().consume(body_held_);
    end(keep ? Outcome::keep : request_done_ && !client_keep_alive_ ? Outcome::parting : Outcome::close);
}

void Exchange::end(Outcome outcome) {
    if (note_ != nullptr) write_log(failure_ == Failure::kCount ? std::string_view() : to_string(failure_));
    upstream_counters_->active_connections.sub();
    if (content_) end_content();
    request_.release();
    reply_head_.release();
    response_.release();
    phase_ = Phase::done;
    outcome_ = outcome;
}

}  // namespace steelyard::http
