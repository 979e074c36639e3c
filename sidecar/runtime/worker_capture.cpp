#include "sidecar/runtime/worker_capture.hpp"

#include <algorithm>
#include <utility>

#include "sidecar/l4/pass_through.hpp"
#include "sidecar/listener/original_destination.hpp"

namespace steelyard {

// A captured connection whose upstream is being built. Nothing is read from it: what the client sends waits in the kernel.
class WorkerCapture::Waiting final : public Session {
public:
    Waiting(WorkerCapture& capture, std::string upstream, UniqueFd client, const SocketAddress& peer,
            const SocketAddress& destination)
        : capture_(capture),
          upstream_(std::move(upstream)),
          client_(std::move(client)),
          peer_(peer),
          destination_(destination),
          deadline_(capture.context_.reactor.now() + capture.context_.timeouts.capture_wait) {
        capture_.context_.counters.sessions.add();
        capture_.context_.counters.capture_waiting.add();
    }
    ~Waiting() override {
        capture_.context_.counters.sessions.sub();
        capture_.context_.counters.capture_waiting.sub();
    }

    void on_sweep(TimePoint now) override {
        if (now < deadline_) return;
        UniqueFd client = std::move(client_);
        auto& capture = capture_;
        const SocketAddress peer = peer_;
        const SocketAddress destination = destination_;
        end();
        PassThrough::accept(capture.context_, std::move(client), peer, destination, capture.shared_->own);
    }
    void on_drain() override {}  // it is served first
    void on_abort() override {
        client_.reset();
        end();
    }
    // The upstream is there: the connection is served now.
    void go_on(Used& used) {
        UniqueFd client = std::move(client_);
        leave();
        capture_.go_on(used, std::move(client), peer_, destination_);
    }

private:
    void end() {
        auto& list = capture_.used_.at(upstream_).waiting;
        list.erase(std::find(list.begin(), list.end(), this));
        leave();
    }
    void leave() {
        --capture_.waiting_;
        capture_.context_.sessions.remove(this);
    }

    WorkerCapture& capture_;
    const std::string upstream_;
    UniqueFd client_;
    const SocketAddress peer_;
    const SocketAddress destination_;
    const TimePoint deadline_;
};

WorkerCapture::WorkerCapture(WorkerContext& context, uint32_t worker, std::shared_ptr<CaptureShared> shared,
                             Hooks hooks)
    : context_(context), worker_(worker), shared_(std::move(shared)), hooks_(std::move(hooks)) {}

WorkerCapture::~WorkerCapture() = default;

void WorkerCapture::listen(UniqueFd socket, size_t max_sessions) {
    acceptors_.push_back(std::make_unique<Acceptor>(
        context_, std::move(socket), max_sessions,
        [this](UniqueFd client, const SocketAddress& peer) { accept(std::move(client), peer); }));
}

// Connected to the capture port itself, by a client that found it or by a rule that redirects what it must spare.
bool WorkerCapture::is_ours(int client, const SocketAddress& peer, const SocketAddress& destination) const {
    const AddressKey to = AddressKey::of(destination);
    const auto local = local_address(client);
    return !local || AddressKey::of(*local) == to || shared_->own.contains({AddressKey::of(peer), to});
}

void WorkerCapture::accept(UniqueFd client, const SocketAddress& peer) {
    const auto destination = shared_->destination_of(client.get());
    if (!destination || is_ours(client.get(), peer, *destination)) {
        context_.counters.capture_refused.add();
        return;
    }
    const std::string* name = table_ ? table_->find(*destination) : nullptr;
    if (name == nullptr) return PassThrough::accept(context_, std::move(client), peer, *destination, shared_->own);
    Used& used = used_[*name];
    if (!used.upstream) used.upstream = hooks_.upstream(*name);
    if (used.upstream->snapshot() == nullptr) return wait(*name, used, std::move(client), peer, *destination);
    go_on(used, std::move(client), peer, *destination);
}

void WorkerCapture::go_on(Used& used, UniqueFd client, const SocketAddress& peer, const SocketAddress& destination) {
    if (used.upstream->snapshot() == nullptr) {
        return PassThrough::accept(context_, std::move(client), peer, destination, shared_->own);
    }
    context_.counters.capture_balanced.add();
    used.upstream->counters().captured.add();
    hooks_.serve(used.upstream, std::move(client), peer);
}

void WorkerCapture::wait(const std::string& name, Used& used, UniqueFd client, const SocketAddress& peer,
                         const SocketAddress& destination) {
    if (waiting_ >= kMaxWaiting)
        return PassThrough::accept(context_, std::move(client), peer, destination, shared_->own);
    ++waiting_;
    auto session = std::make_unique<Waiting>(*this, name, std::move(client), peer, destination);
    used.waiting.push_back(session.get());
    context_.sessions.add(std::move(session));
    if (used.waiting.size() == 1) shared_->demand(worker_, name);
}

void WorkerCapture::updated(const std::string& upstream) {
    const auto found = used_.find(upstream);
    if (found == used_.end()) return;
    const auto waiting = std::exchange(found->second.waiting, {});
    for (auto* session : waiting) session->go_on(found->second);
}

void WorkerCapture::forget(const std::string& upstream) {
    const auto found = used_.find(upstream);
    if (found != used_.end() && found->second.waiting.empty()) used_.erase(found);
}

void WorkerCapture::close() {
    for (auto& acceptor : acceptors_) {
        acceptor->close();
        context_.reactor.retire(std::move(acceptor));
    }
    acceptors_.clear();
}

}  // namespace steelyard
