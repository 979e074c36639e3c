#pragma once
// What the controller does with an API server besides reading: the election of the one that writes, Events, the status of policies, the cluster's
// ranges of ClusterIPs, the Leases of virtual IPs, and the client that others write with. Nothing here is on the path of a push: an outage of the API
// server is waited out on these threads, and the proxies never notice.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "controller/events/recorder.hpp"
#include "controller/leader/elector.hpp"
#include "controller/options.hpp"
#include "controller/status/writer.hpp"
#include "controller/viplease/keeper.hpp"

namespace steelyard::kube {
class Client;
struct ClusterConfig;
}  // namespace steelyard::kube

namespace steelyard {

struct ClusterStats {
    leader::ElectorStats election;  // without an election: leading from the start on
    events::RecorderStats events;
    status::WriterStats statuses;
    viplease::KeeperStats leases;
};

class Cluster {
public:
    // On the elector's thread, must be quick. Without an election: once, within start().
    using OnLeadership = std::function<void(bool leads)>;

    // Fails when a credential file cannot be used; does not connect.
    static Result<std::unique_ptr<Cluster>> make(const kube::ClusterConfig& config, const ControllerOptions& options,
                                                 OnLeadership on_leadership);
    ~Cluster();  // stops
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    void start();
    void request_stop();  // the Lease is released at once, while others still end their work
    void stop();          // within about a second

    // From any thread:
    bool is_leader() const;
    events::Sink& events();
    status::Writer& statuses();
    viplease::Keeper& leases();  // of virtual IPs: any replica's, leader or not
    kube::Client& client();
    std::vector<std::string> service_cidrs() const;  // empty: not known, or no webhook asks for them
    ClusterStats stats() const;

private:
    class Impl;
    explicit Cluster(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard
