#pragma once
// One version of an upstream as workers use it: immutable, built on the main thread, posted to every worker as shared_ptr<const>.
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/config/model.hpp"
#include "sidecar/balancer/balancer.hpp"
#include "sidecar/upstream/counters.hpp"
#include "sidecar/upstream/host.hpp"

namespace steelyard {

namespace cache {
class Store;
}
namespace http {
struct Rules;
}

// Where this proxy runs; what is empty is not known, and nothing is near by it.
struct Place {
    std::string node;
    std::string zone;
};

enum class Distance : uint8_t { same_node, same_zone, elsewhere };

struct SnapshotHost {
    std::shared_ptr<Host> host;
    uint32_t weight = 1;
    bool draining = false;
    std::string zone;
    std::string node;
    uint8_t priority = 0;
    Distance distance = Distance::elsewhere;
};

// Hosts of one priority up to a distance, which are balanced among themselves.
struct Circle {
    Distance reach = Distance::elsewhere;
    std::shared_ptr<const balancer::Plan> plan;  // its indices are those of UpstreamSnapshot::hosts
};

// The hosts of one priority. Circles are there as policy.locality wants them, the narrowest first; the last has all hosts.
struct Tier {
    uint8_t priority = 0;
    std::vector<Circle> circles;
    double mean_weight = 1;  // of those with a weight
};

struct UpstreamSnapshot {
    std::string name;
    std::string authority;  // "web.shop": the Host of a request that came without one
    config::Protocol protocol = config::Protocol::tcp;
    config::Policy policy;
    // The policy does more with content than pass it on: see sidecar/http/content.hpp.
    bool changes_content = false;
    std::shared_ptr<cache::Store> cache;       // the same as before as long as the policy for HTTP is; null: none
    std::shared_ptr<const http::Rules> rules;  // what the policy changes of requests and answers; null: nothing
    std::vector<SnapshotHost> hosts;
    std::unordered_map<const Host*, uint32_t> index;  // into hosts
    std::vector<Tier> tiers;                          // by priority; each is there for some host
    std::shared_ptr<UpstreamStats> stats;
    // Until then (steady milliseconds) a host may be warming up; 0: none is. Written by the main thread: see slow_start.hpp.
    mutable std::atomic<int64_t> warming_until_ms{0};
};

// Keeps one Host an identity (upstream, address, port) for as long as anybody uses it. Main thread only.
class HostRegistry {
public:
    std::shared_ptr<Host> get(const std::string& upstream, const config::Endpoint& endpoint);
    // Forgets hosts that nobody holds any more.
    void sweep();
    size_t size() const { return hosts_.size(); }
    // An upstream's cache lives as long as what is configured for its HTTP stays the same: what that changes of heads is in what is
    // kept. Null when the policy has none.
    std::shared_ptr<cache::Store> cache(const std::string& upstream, const config::HttpPolicy& policy);

private:
    std::unordered_map<std::string, std::weak_ptr<Host>> hosts_;  // "upstream|id"
    struct KnownCache {
        config::HttpPolicy policy;
        std::weak_ptr<cache::Store> store;
    };
    std::unordered_map<std::string, KnownCache> caches_;  // by upstream
};

// The union of the slices: an address and port in two slices counts once; ready wins over draining, and of equals the slice
// whose name comes first. Endpoints that are no IP literal are left out (validation refuses them earlier). `place`: of this proxy.
// Of `reach` same_node, hosts on other nodes are left out.
std::shared_ptr<const UpstreamSnapshot> build_snapshot(const config::Upstream& upstream,
                                                       const std::vector<const config::EndpointSlice*>& slices,
                                                       HostRegistry& registry, std::shared_ptr<UpstreamStats> stats,
                                                       const Place& place = {}, Distance reach = Distance::elsewhere);

}  // namespace steelyard
