#pragma once
// Turns the configuration in force into running listeners and snapshots, and posts them to the workers. Main thread only, but for
// what is said to be safe. Only upstreams that a listener or a captured connection uses are built, probed and counted: a proxy that
// knows of 5,000 upstreams and serves one pays for one.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "common/result.hpp"
#include "sidecar/config/state.hpp"
#include "sidecar/runtime/capture.hpp"
#include "sidecar/runtime/worker.hpp"
#include "sidecar/upstream/snapshot.hpp"

namespace steelyard {

// A listener that the command line declares; it stays whatever is pushed.
struct DeclaredListener {
    std::string name;
    std::string address = "127.0.0.1";
    uint16_t port = 0;
    std::string upstream;  // by name or alias
    bool udp = false;      // takes datagrams, not connections
};

// Connections that a rule of the kernel redirects to `port` on loopback, whatever address they were going to.
struct CaptureOptions {
    uint16_t port = 0;  // 0: nothing is captured
    // What was built for captured connections is given up when it has served none for so long.
    Milliseconds idle_timeout{600'000};
    // Runs a task on the main thread, soon. Called by workers.
    std::function<void(std::function<void()>)> post;
    // Where an accepted connection was going; by default the kernel is asked.
    std::function<std::optional<SocketAddress>(int socket)> destination_of;
};

class Runtime {
public:
    struct Options {
        uint32_t workers = 1;
        WorkerOptions worker;
        std::vector<DeclaredListener> listeners;
        CaptureOptions capture = {};
        Place place = {};  // the zone is learned from endpoints on the node when it is not given
    };
    // Told when an upstream in use gets another set of hosts or policy; nullptr when it is gone. The prober hangs on it.
    using OnUpstream = std::function<void(const std::string& name, const std::shared_ptr<const UpstreamSnapshot>&)>;

    Runtime(Options options, const config::ConfigState& state);
    ~Runtime();
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;

    void on_upstream(OnUpstream callback) { on_upstream_ = std::move(callback); }
    // Opens the declared listeners and starts the workers. The error names the address that could not be had.
    Result<void> start();
    // Brings listeners and upstreams in line with what changed. A pushed listener that cannot be opened is logged and counted, and
    // the rest goes on.
    void apply(const config::ChangeSet& changes);

    // What the controller refuses us at present, by the name it is wanted under: who asks for it is told why.
    void set_refused(std::map<std::string, std::string> problems);

    // Listeners of these addresses go on, but answers end their HTTP connections: they are another node's now. In place of those said
    // before.
    void set_leaving(const std::vector<std::string>& addresses);

    // SIGTERM, in this order.
    void drain();
    void close_listeners();
    void abort();
    void stop();

    // Client connections and UDP sessions that are open. Safe from any thread.
    uint64_t sessions() const;
    const std::vector<std::unique_ptr<Worker>>& workers() const { return workers_; }

    // What runs now: the snapshots in use by canonical name, and where each listener is bound.
    const std::map<std::string, std::shared_ptr<const UpstreamSnapshot>>& upstreams() const { return current_; }
    struct Bound {
        std::string address;
        uint16_t port;
        std::string upstream;  // as declared
        bool resolved;         // the configuration knows this upstream
        bool udp = false;
    };
    std::map<std::string, Bound> listeners() const;
    uint64_t listener_failures() const { return listener_failures_; }
    // Pushed listeners that could not be opened, and why.
    struct Failed {
        std::string address;
        uint16_t port = 0;
        std::string upstream;
        std::string problem;
        bool udp = false;
    };
    const std::map<std::string, Failed>& failed_listeners() const { return failed_; }
    // Whether an endpoint of the upstream is on this node, ready and not known to be down.
    bool has_local_host(const std::string& upstream) const;
    // A host of the upstream was down and is up.
    void warm_returned(const std::string& canonical, Host& host, int64_t now_ms);
    // Tries those again, now and then. True: there are fewer.
    bool retry_failed();
    // Every declared listener leads to an upstream that is known.
    bool all_resolved() const;
    // Forgets hosts that nobody uses any more, and gives up what captured connections have not used for long; every now and then.
    void sweep(TimePoint now);

    const CaptureOptions& capture_options() const { return options_.capture; }
    const Capture& capture() const { return capture_; }
    const Place& place() const { return options_.place; }

private:
    struct Open {
        config::Listener spec;
        std::optional<config::Protocol> protocol;
        uint16_t port = 0;
        bool declared = false;
    };
    Result<void> open(const config::Listener& spec, std::optional<config::Protocol> protocol, bool declared);
    Result<void> check_place(const config::Listener& spec) const;
    Result<void> open_capture();
    void demand(uint32_t worker, const std::string& upstream);
    void give_up(const std::string& upstream);
    void apply_capture(const config::ChangeSet& changes);
    void close(const std::string& name);
    void apply_listeners();
    void open_pushed(const config::Listener& spec);
    void check_transparency_of(const config::Listener& spec) const;
    void refresh(const std::string& wanted, bool force);
    void warn_of_mismatch(const std::string& wanted, config::Protocol protocol) const;
    std::map<std::string, std::string> refused_;
    std::shared_ptr<const UpstreamSnapshot> local_of(const std::string& canonical);
    std::shared_ptr<const UpstreamSnapshot> build(const std::string& canonical, Distance reach = Distance::elsewhere);
    void set_drain_deadlines(const UpstreamSnapshot* before, const UpstreamSnapshot* after);
    bool learn_zone(const config::ChangeSet& changes);
    void drop_unused();

    Options options_;
    const config::ConfigState& state_;
    OnUpstream on_upstream_;
    HostRegistry registry_;
    Capture capture_;
    std::map<std::string, Open> listeners_;
    std::map<std::string, Failed> failed_;
    std::map<std::string, std::string>
        wanted_;  // as listeners use it (UpstreamUse::key) -> canonical, "" while unknown
    std::map<std::string, std::shared_ptr<const UpstreamSnapshot>> current_;  // by canonical name
    std::map<std::string, std::shared_ptr<const UpstreamSnapshot>> local_;    // of them, the part on this node
    std::map<std::string, std::shared_ptr<UpstreamStats>> stats_;  // by canonical name; kept while the process lives
    std::vector<std::unique_ptr<Worker>> workers_;
    uint64_t listener_failures_ = 0;
};

}  // namespace steelyard
