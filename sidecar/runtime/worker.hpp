#pragma once
// A worker: one thread with its own event loop, table of descriptors, listening sockets, pools, timers and counters. Everything it
// is told comes as a message to its thread; the methods below post one and return at once, and may be called from the main thread only.
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/config/model.hpp"
#include "common/net/cidr.hpp"
#include "sidecar/listener/acceptor.hpp"
#include "sidecar/listener/capture_table.hpp"
#include "sidecar/reactor/descriptors.hpp"
#include "sidecar/session/worker_context.hpp"
#include "sidecar/udp/listener.hpp"
#include "sidecar/upstream/worker_upstream.hpp"

namespace steelyard {

struct WorkerOptions {
    Timeouts timeouts;
    http::Limits limits;
    http::ForwardingOptions forwarding;
    http::Networks proxy_from;  // peers that have to begin with a PROXY header; not of what is captured
    HostLimits hosts;
    size_t max_sessions = 50'000;
    size_t max_udp_sessions = 10'000;        // besides
    std::vector<int> kept_descriptors = {};  // opened before start(), and of use to what the worker calls
};

class WorkerCapture;
struct CaptureShared;

class Worker {
public:
    Worker(uint32_t index, const WorkerOptions& options);
    ~Worker();  // stops the thread
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Before start(). Lines go there; it outlives this.
    void set_access_log(access_log::WorkerLog& log);
    void start();

    // What is accepted goes to the upstream called `upstream`, or the use of one (sidecar/upstream/use.hpp), as it is in update().
    // Without a protocol, the upstream's own decides; while that is not known, HTTP, so that a client is told why nobody serves it.
    // `allowed`: who is served; null: everybody.
    void add_listener(const std::string& name, UniqueFd socket, std::optional<config::Protocol> protocol,
                      const std::string& upstream, std::shared_ptr<const net::IpRanges> allowed = nullptr);
    // The same for datagrams; the upstream has to be one of UDP.
    void add_udp_listener(const std::string& name, UniqueFd socket, const std::string& upstream,
                          std::shared_ptr<const net::IpRanges> allowed = nullptr);
    // Its UDP sessions end; its connections end with their next answer, unless another listener leads to the same upstream.
    void remove_listener(const std::string& name);
    // What comes in over these sockets was redirected: it goes to the upstream behind the address it was going to.
    void capture(std::vector<UniqueFd> sockets, std::shared_ptr<CaptureShared> shared);
    void set_capture_table(std::shared_ptr<const CaptureTable> table);
    // Captured connections have not used it for long: the next one asks for it again.
    void forget_captured(const std::string& upstream);
    // nullptr: no such upstream any more. Names that nobody uses are forgotten.
    void update(const std::string& upstream, std::shared_ptr<const UpstreamSnapshot> snapshot);
    // Why the controller does not give it to us; "" = it does.
    void set_refusal(const std::string& upstream, std::string problem);

    // Answers end their connections from now on; idle connections go. Listeners stay.
    void drain();
    // Of UDP: no new client is taken, those that have a session go on.
    void close_listeners();
    // Breaks off everything.
    void abort();
    void stop();

    // Runs `task` on the worker's thread, soon: for a look at what belongs to it.
    void run(std::function<void(WorkerContext&)> task);

    // Read from any thread.
    const WorkerCounters& counters() const { return context_.counters; }
    // The thread's id, for /proc, while it has a table of descriptors of its own; else 0. Any thread.
    int descriptor_table() const { return table_.load(std::memory_order_relaxed); }

private:
    struct Listener {
        std::shared_ptr<WorkerUpstream> upstream;
        std::unique_ptr<Acceptor> acceptor;  // of TCP, or
        std::unique_ptr<UdpListener> udp;
    };
    void serve();
    void let_go();
    bool hand_over(const std::string& listener, UniqueFd socket);
    void tick();
    // Where connections of one listener come in.
    struct Entrance {
        std::shared_ptr<WorkerUpstream> upstream;
        std::optional<config::Protocol> protocol;
        std::shared_ptr<const std::string> listener;
        std::shared_ptr<const net::IpRanges> allowed;  // null: everybody
    };
    void admit(const std::shared_ptr<const Entrance>& entrance, UniqueFd client, const SocketAddress& peer);
    void enter(const Entrance& entrance, UniqueFd client, const SocketAddress& who);
    void accept(const std::shared_ptr<WorkerUpstream>& upstream, std::optional<config::Protocol> protocol,
                UniqueFd client, const SocketAddress& peer, const std::shared_ptr<const std::string>& listener);
    std::shared_ptr<WorkerUpstream> upstream_of(const std::string& name);
    void forget_unused();

    const uint32_t index_;
    const WorkerOptions options_;
    TimePoint udp_swept_{};
    std::map<std::string, std::shared_ptr<WorkerUpstream>> upstreams_;
    std::unique_ptr<WorkerCapture> capture_;  // sessions refer to it and go first
    UdpShare udp_;                            // sessions and listeners refer to it
    WorkerContext context_;                   // after upstreams_: sessions hold them and go first
    std::map<std::string, Listener> listeners_;
    DescriptorMailbox mailbox_;  // all that is opened elsewhere and used here comes by it
    UniqueFd log_wake_;
    std::atomic<int> table_{0};
    std::thread thread_;
};

}  // namespace steelyard
