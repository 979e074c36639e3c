#include "sidecar/udp/session.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sidecar/udp/socket.hpp"
#include "sidecar/upstream/slow_start.hpp"

namespace steelyard {
namespace {

// When the process drains, a session that is silent for so long is over.
constexpr Milliseconds kQuiet{5'000};

}  // namespace

void UdpRecency::push(UdpSession* session) {
    session->newer_ = nullptr;
    session->older_ = newest_;
    (newest_ != nullptr ? newest_->newer_ : oldest_) = session;
    newest_ = session;
    ++size_;
}

void UdpRecency::remove(UdpSession* session) {
    (session->newer_ != nullptr ? session->newer_->older_ : newest_) = session->older_;
    (session->older_ != nullptr ? session->older_->newer_ : oldest_) = session->newer_;
    session->newer_ = session->older_ = nullptr;
    --size_;
}

UdpSession::UdpSession(UdpListener& listener, const UdpKey& key, const SocketAddress& peer, const LocalAddress& local)
    : listener_(listener),
      worker_(listener.worker_),
      upstream_(listener.upstream_),
      counters_(upstream_->counters()),
      key_(key),
      peer_(peer),
      local_(local),
      last_(worker_.reactor.now()) {
    worker_.counters.udp_sessions.add();
    counters_.udp.sessions.add();
    counters_.udp.active.add();
    listener_.share_.sessions.push(this);
}

UdpSession::~UdpSession() {
    worker_.counters.udp_sessions.sub();
    counters_.udp.active.sub();
}

bool UdpSession::begin() {
    const auto* snapshot = upstream_->snapshot();
    if (snapshot != nullptr && config::is_hashing(snapshot->policy.algorithm)) {
        char ip[INET6_ADDRSTRLEN];
        hash_ = balancer::hash_key({ip, peer_.write_ip(ip)});
    }
    if (worker_.access_log != nullptr) {
        note_ = std::make_unique<access_log::ConnectionNote>(*worker_.access_log, peer_, listener_.name_,
                                                             worker_.reactor.now());
        note_->set_protocol("UDP");
    }
    return find_host();
}

bool UdpSession::has_good_host(TimePoint now) const {
    const auto* snapshot = upstream_->snapshot();
    if (!socket_ || snapshot == nullptr || !snapshot->index.contains(lease_.host().get())) return false;
    return lease_.host()->usable() && !lease_.expired(now);
}

// Of those that have not refused since the last answer.
std::shared_ptr<Host> UdpSession::pick_host() {
    balancer::PickContext context;
    context.hash = hash_;
    return upstream_->pick(context, tried_);
}

// Another host than those that have refused since the last answer, or if there is none, any.
bool UdpSession::find_host() {
    socket_.reset();
    lease_.end();
    for (uint32_t tries = 0; tries <= TriedHosts::kMax; ++tries) {
        auto host = pick_host();
        if (!host && tried_.count() != 0) {
            tried_.clear();
            host = pick_host();
        }
        if (!host) return false;
        if (take_host(std::move(host))) return true;
    }
    return false;
}

bool UdpSession::take_host(std::shared_ptr<Host> host) {
    socket_.reset();
    lease_ = HostLease(std::move(host), worker_.reactor.now());
    lease_.add_connection();
    silence_.begin();
    answered_ = lost_ = false;
    if (note_) {
        note_->add_try();
        note_->set_endpoint(lease_.host()->id());
    }
    return connect();
}

// To another, if there is one: else its socket stays, for what the host may say yet.
void UdpSession::leave_lost_host() {
    lost_ = false;
    tried_.add(lease_.host().get());
    auto other = pick_host();
    if (!other) return tried_.clear();
    take_host(std::move(other));
}

void UdpSession::judge_silence(TimePoint now) {
    if (!socket_ || !upstream_->ejects()) return;
    Host& host = *lease_.host();
    const auto verdict = silence_.judge(host, steady_ms(now));
    if (verdict == UdpSilence::Verdict::none) return;
    if (verdict == UdpSilence::Verdict::well) return note_answer(host);
    upstream_->note_failure(host, HostFault::silent);
    counters_.connect_failures.add();
    lost_ = true;
}

UniqueFd UdpSession::open_socket() {
    bool lost = false;
    UniqueFd socket = connect_udp(lease_.host()->address(), upstream_->transparent() ? &peer_ : nullptr, &lost);
    if (lost) worker_.counters.address_lost.add();
    return socket;
}

bool UdpSession::connect() {
    counters_.connects.add();
    socket_ = open_socket();
    if (!socket_ && (errno == EMFILE || errno == ENFILE)) {
        // The idlest gives up its descriptor, unless that is this one.
        auto* idlest = listener_.share_.sessions.idlest();
        if (idlest != this) {
            counters_.udp.evicted.add();
            idlest->end("evicted");
            socket_ = open_socket();
        }
    }
    if (socket_ && worker_.reactor.add(socket_.get(), this, Reactor::Trigger::level)) return true;
    host_failed(HostFault::refused);
    return false;
}

void UdpSession::host_failed(HostFault fault) {
    if (lease_) {
        upstream_->note_failure(*lease_.host(), fault);
        tried_.add(lease_.host().get());
    }
    counters_.connect_failures.add();
    socket_.reset();
    lease_.end();
}

void UdpSession::forward(DatagramBatch::Numbers which) {
    last_ = worker_.reactor.now();
    listener_.share_.sessions.touch(this);
    if (lost_) leave_lost_host();
    if (!has_good_host(last_) && !find_host()) return drop(UdpDrop::no_host, which.size());
    uint32_t moves = 0;
    while (true) {
        const auto sent = listener_.share_.batch.send(socket_.get(), which);
        count(sent, true);
        which = which.subspan(sent.count);
        if (which.empty()) return;
        if (sent.error == EMSGSIZE) {
            drop(UdpDrop::too_big);
            which = which.subspan(1);
        } else if (sent.error == EAGAIN || sent.error == ENOBUFS) {
            return drop(UdpDrop::buffer_full, which.size());
        } else {
            // What an earlier datagram met with (ICMP) is told now; this one was not sent.
            host_failed(fault_of_connect(sent.error));
            if (++moves > TriedHosts::kMax || !find_host()) return drop(UdpDrop::unreachable, which.size());
        }
    }
}

void UdpSession::count(DatagramBatch::Sent sent, bool to_host) {
    if (sent.count == 0) return;
    (to_host ? counters_.udp.to_upstream : counters_.udp.to_client).add(sent.count);
    if (to_host) silence_.sent(static_cast<uint32_t>(sent.count), steady_ms(last_));
    (to_host ? counters_.bytes_to_upstream : counters_.bytes_to_client).add(sent.bytes);
    if (note_) note_->add_bytes(to_host ? sent.bytes : 0, to_host ? 0 : sent.bytes);
}

// From the host. Once a turn: the socket is watched by level.
void UdpSession::on_events(uint32_t events) {
    if (ended_ || !socket_) return;
    const int received = listener_.share_.batch.receive(socket_.get());
    const int error = received < 0 ? errno : 0;
    if ((events & EPOLLERR) != 0) forget_errors(socket_.get());
    // A datagram that is too long for the way (ICMP fragmentation needed) says nothing of the host: the next are cut to fit.
    if (error != 0 && error != EMSGSIZE) return host_failed(fault_of_connect(error));
    if (received > 0) answer();
}

void UdpSession::answer() {
    last_ = worker_.reactor.now();
    listener_.share_.sessions.touch(this);
    if (!answered_) lease_.answered(last_);
    note_answer(*lease_.host());
    silence_.answered(*lease_.host(), steady_ms(last_));
    answered_ = true;
    lost_ = false;
    tried_.clear();
    DatagramBatch& batch = listener_.share_.batch;
    std::array<uint8_t, DatagramBatch::kSize> numbers;
    size_t size = 0;
    for (size_t i = 0; i < batch.size(); ++i) {
        if (batch.truncated(i)) {
            drop(UdpDrop::truncated);
        } else {
            numbers[size++] = static_cast<uint8_t>(i);
        }
    }
    DatagramBatch::Numbers which{numbers.data(), size};
    while (!which.empty()) {
        const auto sent = batch.send_to(listener_.socket_.get(), which, peer_, local_);
        count(sent, false);
        which = which.subspan(sent.count);
        if (which.empty()) return;
        if (sent.error == EAGAIN || sent.error == ENOBUFS) return drop(UdpDrop::buffer_full, which.size());
        drop(sent.error == EMSGSIZE ? UdpDrop::too_big : UdpDrop::unreachable);
        which = which.subspan(1);
    }
}

void UdpSession::on_sweep(TimePoint now) {
    if (lease_.expired(now)) {
        counters_.drain_cuts.add();
        return end(to_string(Failure::timeout));
    }
    judge_silence(now);
    const auto* snapshot = upstream_->snapshot();
    const uint32_t policy = snapshot != nullptr ? snapshot->policy.timeouts.udp_idle_ms : 0;
    Milliseconds idle = policy != 0 ? Milliseconds{policy} : worker_.timeouts.udp_idle;
    if (worker_.draining) idle = std::min(idle, kQuiet);
    if (now - last_ >= idle) end(socket_ ? std::string_view() : to_string(Failure::connect));
}

void UdpSession::on_abort() { end(access_log::kShutdown); }

void UdpSession::end(std::string_view failure) {
    if (ended_) return;
    ended_ = true;
    if (note_) {
        if (!failure.empty()) note_->set_failure(failure);
        const auto* snapshot = upstream_->snapshot();
        note_->write(snapshot != nullptr ? snapshot->name : upstream_->name(), worker_.reactor.now());
    }
    socket_.reset();
    lease_.end();
    listener_.share_.sessions.remove(this);
    listener_.forget(key_);
    worker_.sessions.remove(this);
}

}  // namespace steelyard
