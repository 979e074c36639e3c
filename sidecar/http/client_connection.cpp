#include "sidecar/http/client_connection.hpp"

#include <array>
#include <utility>

#include "common/config/policy.hpp"
#include "sidecar/http/rewrite.hpp"
#include "sidecar/http/rules.hpp"
#include "sidecar/reactor/address_key.hpp"

namespace steelyard::http {
namespace {

// How much of a request nobody wants is read before the connection is closed all the same.
constexpr uint32_t kMaxLinger = 16 * 1024 * 1024;
constexpr int kLingerRounds = 32;  // reads of it in one turn before other connections get theirs
// When draining, a connection that has been idle this long is closed; a busier one is told so with its next answer, as its
// next request may be under way already.
constexpr Milliseconds kQuiet{1'000};

}  // namespace

ClientConnection::ClientConnection(WorkerContext& worker, std::shared_ptr<WorkerUpstream> upstream,
                                   const SocketAddress& peer, std::shared_ptr<const std::string> listener)
    : worker_(worker),
      upstream_(std::move(upstream)),
      listener_(std::move(listener)),
      peer_(peer),
      idle_since_(worker.reactor.now()) {
    ip_size_ = static_cast<uint8_t>(peer.write_ip(ip_));
    peer_trusted_ = !worker_.forwarding.trusted.empty() && worker_.forwarding.trusted.contains(AddressKey::of(peer).ip);
    deadline_ = worker_.reactor.now() + worker_.timeouts.client_idle;
    worker_.counters.sessions.add();
}

ClientConnection::~ClientConnection() { worker_.counters.sessions.sub(); }

void ClientConnection::accept(WorkerContext& worker, std::shared_ptr<WorkerUpstream> upstream, UniqueFd client,
                              const SocketAddress& peer, std::shared_ptr<const std::string> listener) {
    auto owned = std::make_unique<ClientConnection>(worker, std::move(upstream), peer, std::move(listener));
    ClientConnection& connection = *owned;
    worker.sessions.add(std::move(owned));
    if (!connection.client_.adopt(worker.reactor, std::move(client))) connection.end();
}

void ClientConnection::on_channel(Channel&) {
    if (state_ == State::ended) return;
    if (state_ == State::exchange) return exchange_->drive();
    drive();
}

// Reads and serves requests until one has to wait for I/O.
void ClientConnection::drive() {
    if (driving_) return;
    driving_ = true;
    while (state_ == State::idle || state_ == State::reading_head) {
        if (!read_head()) break;
    }
    driving_ = false;
    if (state_ == State::lingering) drain_input();
}

// One step towards a head. False when it has to wait, or the connection is no longer reading one.
bool ClientConnection::read_head() {
    if (input_.empty() || need_more_) {
        if (!client_.readable()) return false;
        if (!input_.has_block()) input_ = worker_.buffers.acquire(BufferPool::kSmall);
        if (input_.room().empty()) {
            input_.compact();
            if (input_.room().empty()) {
                if (input_.capacity() >= BufferPool::kLarge) {
                    refuse(Fault::head_too_large);
                    return false;
                }
                worker_.buffers.grow(input_);
            }
        }
        const auto io = client_.read(input_.room());
        if (io.status == Channel::Status::would_block) {
            if (input_.empty()) input_.release();
            return false;
        }
        if (io.status != Channel::Status::ok) {
            end();  // between two requests a close is the normal end, within a head there is nobody left to tell
            return false;
        }
        input_.commit(io.bytes);
        need_more_ = false;
        if (state_ == State::idle) {
            state_ = State::reading_head;
            deadline_ = worker_.reactor.now() + worker_.timeouts.request_head;
        }
    }
    return begin_exchange();
}

bool ClientConnection::begin_exchange() {
    auto& head = worker_.request_head;
    const auto parsed = parse_request(input_.view(), scanned_, worker_.limits, head);
    if (parsed.state == ParseState::incomplete) {
        need_more_ = true;
        return true;
    }
    if (parsed.state == ParseState::refused) {
        refuse(parsed.fault);
        return false;
    }
    scanned_ = 0;
    state_ = State::exchange;
    worker_.counters.http_requests.add();
    if (!exchange_) exchange_ = std::make_unique<Exchange>(*this);
    exchange_->begin(head, parsed.head_bytes);
    exchange_->drive();
    return state_ == State::idle || state_ == State::reading_head;
}

void ClientConnection::exchange_finished(bool keep) {
    if (!keep) {
        linger();
        return;
    }
    idle_since_ = worker_.reactor.now();
    scanned_ = 0;
    if (input_.empty()) {
        input_.release();
        state_ = State::idle;
        deadline_ = idle_since_ + worker_.timeouts.client_idle;
    } else {
        state_ = State::reading_head;
        deadline_ = idle_since_ + worker_.timeouts.request_head;
    }
    drive();  // does nothing when drive() itself brought us here: its loop goes on
}

// All that it sent was read, so closing sends FIN behind the answer and not RST: there is nothing to linger for.
void ClientConnection::exchange_parted() {
    if (!input_.empty()) return linger();
    end();
}

void ClientConnection::exchange_broken() {
    client_.abort();
    end();
}

void ClientConnection::exchange_upgraded() { end(); }

void ClientConnection::refuse(Fault fault) {
    worker_.counters.faults[static_cast<size_t>(fault)].add();
    refuse(status_for(fault), to_string(fault), to_string(fault));
}

void ClientConnection::refuse(uint16_t status, std::string_view detail, std::string_view failure) {
    std::array<char, 512 + config::kMaxHeaderEditBytes> text;
    const auto* snapshot = upstream_->snapshot();
    const Edits* edits = snapshot != nullptr && snapshot->rules ? &snapshot->rules->response : nullptr;
    const size_t size = write_error(status, detail, true, false, text, edits);
    // A new connection's socket takes some hundred bytes; a client that lets even that fill up gets no message.
    const auto written = client_.write(std::string_view(text.data(), size));
    if (worker_.access_log != nullptr) log_refusal(status, failure, written.bytes);
    linger();
}

// The last answer is out: says so with FIN, and reads on for a while, as closing with unread bytes would send RST, which can
// destroy the answer before the client reads it (RFC 9112 section 9.6).
void ClientConnection::linger() {
    client_.shutdown_write();
    input_.release();
    state_ = State::lingering;
    deadline_ = worker_.reactor.now() + worker_.timeouts.linger;
    if (!driving_) drain_input();
}

void ClientConnection::drain_input() {
    Buffer scrap = worker_.buffers.acquire(BufferPool::kLarge);
    for (int round = 0; client_.readable() && lingered_bytes_ <= kMaxLinger; ++round) {
        if (round == kLingerRounds) {
            worker_.reactor.rebind(client_.fd(), &client_);
            return;
        }
        scrap.clear();
        const auto io = client_.read(scrap.room());
        if (io.status == Channel::Status::would_block) break;
        if (io.status != Channel::Status::ok) return end();
        lingered_bytes_ += static_cast<uint32_t>(io.bytes);
    }
    if (lingered_bytes_ > kMaxLinger || client_.broken()) end();
}

void ClientConnection::on_sweep(TimePoint now) {
    if (state_ == State::exchange) return exchange_->on_sweep(now);
    if (leaving() && state_ == State::idle && now - idle_since_ >= kQuiet) return end();
    if (now < deadline_) return;
    if (state_ == State::reading_head) {
        worker_.counters.timeouts.add();
        return refuse(408, "the request's head took too long", to_string(Failure::timeout));
    }
    end();
}

void ClientConnection::on_drain() {
    if (state_ == State::idle && worker_.reactor.now() - idle_since_ >= kQuiet) end();
}

void ClientConnection::on_abort() {
    client_.abort();
    end();
}

void ClientConnection::end() {
    if (state_ == State::ended) return;
    state_ = State::ended;
    client_.close();
    worker_.sessions.remove(this);
}

}  // namespace steelyard::http
