#pragma once
// The push server: a WebSocket listener for proxies, on one io_context that one thread runs. publish(), set_ready(),
// stop() and stats() may be called from any thread; from the io_context's own they take effect before they return.
// Everything is bounded: connections, those of strangers, the size of what a client may send, the time it may take to
// shake hands, to say hello and to acknowledge. Whoever is let in is entitled to its namespace's upstreams and to those
// that are exported to it (authenticator.hpp).
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/metrics/durations.hpp"
#include "common/result.hpp"
#include "common/tls/server_identity.hpp"
#include "controller/push/authenticator.hpp"
#include "controller/push/cache.hpp"
#include "controller/push/session.hpp"

namespace boost::asio {
class io_context;
}

namespace steelyard::push {

struct ServerOptions {
    std::string address = "0.0.0.0";  // an IP literal
    uint16_t port = 9443;             // 0 = any free one
    size_t max_connections = 10'000;
    size_t max_unauthenticated = 1'024;          // of them, not let in yet
    size_t max_message = kMaxFrameToController;  // bytes a proxy may send at once
    Milliseconds handshake_timeout{5000};        // TCP accepted to the end of the HTTP request
    Milliseconds verdict_timeout{10'000};        // what the authenticator may take
    Milliseconds idle_timeout{20000};            // nothing heard; a ping goes out at half of it
    PushSession::Limits session;
    std::shared_ptr<Authenticator> authenticator;  // none = AllowAll
    std::shared_ptr<tls::ServerIdentity> tls;      // none = ws://; one without a certificate yet: nobody gets in
    // Called on the io_context's thread with each report of a proxy.
    std::function<void(const std::string& proxy, const Report&)> on_report;
    // Called on the io_context's thread with each claim of an edge; none: this controller keeps no Leases, and says so.
    ClaimHandler on_claim;
};

struct ProxyStats {
    std::string name, instance, role, node, zone, address;
    std::string ns, service_account, pod;  // as the authenticator says; "" without one
    size_t refused_wants = 0;              // at present
    uint64_t refused_wants_total = 0;
    std::string acked_version;  // "" before the first ack
    bool behind = false;        // something it gets is not acknowledged yet
    bool everything = false;    // it wants "*"
    size_t wants = 0;
    uint64_t snapshots = 0, deltas = 0, acks = 0, nacks = 0, bytes = 0;
    std::string nacked_version;  // "" when what it refused was made good
    std::vector<Error> nack_errors;
    std::vector<UpstreamReport> report;
    std::vector<VirtualIpReport> virtual_ips = {};  // of an edge
    double last_ack_seconds = 0;                    // from sent to acknowledged
    int64_t connected_unix_ms = 0;
};

struct ServerStats {
    std::string version;
    bool ready = false;
    std::vector<ProxyStats> proxies;  // those that said hello, by name
    size_t connections = 0;           // open, hello or not
    uint64_t accepted = 0, sessions = 0, snapshots = 0, deltas = 0, bytes = 0, acks = 0, nacks = 0, publishes = 0,
             refused_resources = 0;
    std::map<std::string, uint64_t> refused;
    // ^ by reason: the codes of ErrorMessage and Refusal, "max_connections", "unauthenticated" (too many), "tls", "handshake"
    uint64_t refused_wants = 0;  // each time a want was newly refused
    size_t unauthenticated = 0;  // open, not let in yet
    PushCache::Counts cache;
    metrics::Durations ack_times;  // of all acknowledged frames: from sent to acknowledged
    size_t max_connections = 0;
};

class PushServer {
public:
    // `cache` is touched only on the io_context's thread from start() on, and outlives the server.
    PushServer(boost::asio::io_context& io, ServerOptions options, PushCache& cache);
    ~PushServer();

    // Binds and listens; the error names the address. Call before the io_context runs.
    Result<void> start();
    uint16_t port() const;  // the bound one

    // The initial lists are in: proxies that wait get their snapshot. Before it, sessions are held back.
    void set_ready();
    // Publishes and sends to every proxy that has nothing in flight, at once.
    void publish(Change change);
    // The CA certificates (PEM) that proxies shall trust, told to all over TLS now and to others when they come.
    void set_trust(std::string bundle);
    // Closes every session ("stopping") and the listener; the io_context runs dry.
    void stop();

    ServerStats stats() const;

private:
    class Core;
    std::shared_ptr<Core> core_;
};

}  // namespace steelyard::push
