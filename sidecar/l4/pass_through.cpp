#include "sidecar/l4/pass_through.hpp"

#include <sys/socket.h>

#include <utility>

namespace steelyard {
namespace {

// A peer that is gone without a word is found out by the kernel: nothing else would tell before the idle time-out.
void keep_alive(int fd) {
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

const std::shared_ptr<const std::string>& captured() {
    static const auto name = std::make_shared<const std::string>("capture");
    return name;
}

}  // namespace

PassThrough::PassThrough(WorkerContext& worker, OwnConnections& own)
    : worker_(worker),
      own_(own),
      to_server_(client_, server_, worker.buffers, worker.pipes),
      to_client_(server_, client_, worker.buffers, worker.pipes) {
    worker_.counters.sessions.add();
}

PassThrough::~PassThrough() {
    worker_.counters.sessions.sub();
    if (pair_) own_.remove(*pair_);
}

void PassThrough::accept(WorkerContext& worker, UniqueFd client, const SocketAddress& peer,
                         const SocketAddress& destination, OwnConnections& own) {
    auto owned = std::make_unique<PassThrough>(worker, own);
    PassThrough& session = *owned;
    worker.sessions.add(std::move(owned));
    worker.counters.capture_passthrough.add();
    if (worker.access_log != nullptr) {
        session.note_ =
            std::make_unique<access_log::ConnectionNote>(*worker.access_log, peer, captured(), worker.reactor.now());
        session.note_->set_endpoint(destination.to_string());
        session.note_->add_try();
    }
    if (!session.client_.adopt(worker.reactor, std::move(client))) return session.end(true);
    session.connect(destination);
}

void PassThrough::connect(const SocketAddress& destination) {
    deadline_ = worker_.reactor.now() + worker_.timeouts.passthrough_connect;
    const auto status = server_.connect(worker_.reactor, destination);
    if (status != Channel::Status::would_block && status != Channel::Status::ok) return fail();
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    if (getsockname(server_.fd(), reinterpret_cast<sockaddr*>(&storage), &size) == 0) {
        pair_ = {AddressKey::of(SocketAddress::from(storage)), AddressKey::of(destination)};
        own_.add(*pair_);
    }
    keep_alive(client_.fd());
    keep_alive(server_.fd());
    if (status == Channel::Status::would_block) return;
    state_ = State::relaying;
    relay();
}

void PassThrough::on_channel(Channel& channel) {
    if (state_ == State::ended) return;
    if (state_ == State::connecting) {
        if (&channel == &client_) {
            if (client_.broken()) end(true, Failure::client_gone);
            return;
        }
        if (!server_.writable() && !server_.broken()) return;
        if (server_.connect_error() != 0) return fail();
        state_ = State::relaying;
    }
    relay();
}

void PassThrough::relay() {
    using Direction = RelayDirection::State;
    const uint64_t up = to_server_.pump();
    const uint64_t down = to_client_.pump();
    if (note_) note_->add_bytes(up, down);
    deadline_ = worker_.reactor.now() + worker_.timeouts.passthrough_idle;
    if (to_server_.state() == Direction::broken || to_client_.state() == Direction::broken)
        return end(true, broken_by());
    if (to_server_.state() == Direction::finished && to_client_.state() == Direction::finished) return end(false);
    // Nobody is left to read from or to write to, though no call has failed yet.
    if (client_.broken() || (server_.broken() && to_client_.state() == Direction::finished))
        return end(true, broken_by());
    if (to_server_.yielded()) worker_.reactor.rebind(client_.fd(), &client_);
    if (to_client_.yielded()) worker_.reactor.rebind(server_.fd(), &server_);
}

void PassThrough::on_sweep(TimePoint now) {
    if (now < deadline_) return;
    if (state_ == State::connecting) return fail();
    worker_.counters.timeouts.add();
    end(true, Failure::timeout);
}

void PassThrough::on_drain() {
    if (state_ == State::connecting && client_.peer_closed()) end(true, Failure::client_gone);
}

void PassThrough::on_abort() {
    if (note_) note_->set_failure(access_log::kShutdown);
    end(true);
}

void PassThrough::fail() {
    worker_.counters.passthrough_failures.add();
    end(true, Failure::connect);
}

void PassThrough::end(bool broken, Failure why) {
    if (state_ == State::ended) return;
    state_ = State::ended;
    if (note_) {
        if (why != Failure::kCount) note_->set_failure(to_string(why));
        note_->write({}, worker_.reactor.now());
    }
    // A stream that was cut must not look as if it had ended properly.
    if (broken) {
        client_.abort();
        server_.abort();
    }
    client_.close();
    server_.close();
    worker_.sessions.remove(this);
}

}  // namespace steelyard
