#pragma once
// One version of an upstream as workers use it: immutable, built on the main thread, posted to every worker as shared_ptr<const>.
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

namespace http {
struct Rules;
}

struct SnapshotHost {
    std::shared_ptr<Host> host;
    uint32_t weight = 1;
    bool draining = false;
    std::string zone;
    std::string node;
};

struct UpstreamSnapshot {
    std::string name;
    std::string authority;  // "web.shop": the Host of a request that came without one
    config::Protocol protocol = config::Protocol::tcp;
    config::Policy policy;
    // The policy does more with content than pass it on: see sidecar/http/content.hpp.
    bool changes_content = false;
    std::shared_ptr<const http::Rules> rules;  // what the policy changes of requests and answers; null: nothing
    std::vector<SnapshotHost> hosts;
    std::unordered_map<const Host*, uint32_t> index;  // into hosts
    std::shared_ptr<const balancer::Plan> plan;       // over hosts, in their order
    std::shared_ptr<UpstreamStats> stats;
};

// Keeps one Host an identity (upstream, address, port) for as long as anybody uses it. Main thread only.
class HostRegistry {
public:
    std::shared_ptr<Host> get(const std::string& upstream, const config::Endpoint& endpoint);
    // Forgets hosts that nobody holds any more.
    void sweep();
    size_t size() const { return hosts_.size(); }

private:
    std::unordered_map<std::string, std::weak_ptr<Host>> hosts_;  // "upstream|id"
};

// The union of the slices: an address and port in two slices counts once; ready wins over draining, and of equals the slice
// whose name comes first. Endpoints that are no IP literal are left out (validation refuses them earlier).
std::shared_ptr<const UpstreamSnapshot> build_snapshot(const config::Upstream& upstream,
                                                       const std::vector<const config::EndpointSlice*>& slices,
                                                       HostRegistry& registry, std::shared_ptr<UpstreamStats> stats);

}  // namespace steelyard
