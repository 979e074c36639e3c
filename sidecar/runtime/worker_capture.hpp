#pragma once
// A worker's share of transparent capture: accepts what was redirected here, asks where it was going, and serves it by the
// upstream behind that address, or passes it through when nothing is known there. An upstream is built on the main thread when its first
// connection comes, which waits for that: bounded in time and number, and beyond either it is passed through. Nothing that is
// captured is refused but a connection that nobody redirected and one that is our own. The worker's thread owns it.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sidecar/l4/own_connections.hpp"
#include "sidecar/listener/acceptor.hpp"
#include "sidecar/listener/capture_table.hpp"
#include "sidecar/session/worker_context.hpp"
#include "sidecar/upstream/worker_upstream.hpp"

namespace steelyard {

// What all workers share. Functions may be called from any thread.
struct CaptureShared {
    std::function<std::optional<SocketAddress>(int socket)> destination_of;
    // Worker `worker` needs this upstream: an update() for it is to follow, with nullptr if there is none.
    std::function<void(uint32_t worker, const std::string& upstream)> demand;
    OwnConnections own;
};

class WorkerCapture {
public:
    static constexpr size_t kMaxWaiting = 1'000;

    struct Hooks {
        std::function<std::shared_ptr<WorkerUpstream>(const std::string& upstream)> upstream;  // made if need be
        std::function<void(const std::shared_ptr<WorkerUpstream>&, UniqueFd, const SocketAddress& peer)> serve;
    };
    WorkerCapture(WorkerContext& context, uint32_t worker, std::shared_ptr<CaptureShared> shared, Hooks hooks);
    ~WorkerCapture();

    void listen(UniqueFd socket, size_t max_sessions);
    void set_table(std::shared_ptr<const CaptureTable> table) { table_ = std::move(table); }
    // The upstream got its snapshot, or there is none: those who wait go on.
    void updated(const std::string& upstream);
    // Not used for long. Stays when somebody waits for it after all.
    void forget(const std::string& upstream);
    bool uses(const std::string& upstream) const { return used_.contains(upstream); }
    // Serves what is in the accept queues, then closes them.
    void close();
    // Closes them at once: the worker's thread is gone.
    void drop() { acceptors_.clear(); }

private:
    class Waiting;
    struct Used {
        std::shared_ptr<WorkerUpstream> upstream;
        std::vector<Waiting*> waiting;  // sessions of the worker; each takes itself out when it ends
    };
    void accept(UniqueFd client, const SocketAddress& peer);
    bool is_ours(int client, const SocketAddress& peer, const SocketAddress& destination) const;
    void go_on(Used& used, UniqueFd client, const SocketAddress& peer, const SocketAddress& destination);
    void wait(const std::string& name, Used& used, UniqueFd client, const SocketAddress& peer,
              const SocketAddress& destination);

    WorkerContext& context_;
    const uint32_t worker_;
    const std::shared_ptr<CaptureShared> shared_;
    const Hooks hooks_;
    std::shared_ptr<const CaptureTable> table_;
    std::unordered_map<std::string, Used> used_;
    size_t waiting_ = 0;
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
};

}  // namespace steelyard
