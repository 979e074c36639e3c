#pragma once
// The API server as the rest of the controller sees it: handlers that are told of Services, EndpointSlices, Pods
// and Nodes (metadata only) and the kinds of steelyard.dev, each from a thread of its own (handler.hpp). One kind's trouble, say no
// right to list Pods, does not hold up the others: whoever waits for sync decides which kinds to wait for.
#include <memory>
#include <vector>

#include "common/result.hpp"
#include "controller/kube/config.hpp"
#include "controller/kube/handler.hpp"
#include "controller/kube/kind_stats.hpp"

namespace steelyard::kube {

struct SourceOptions {
    bool nodes = false;  // are they watched? Else their handler hears nothing
};

class KubeSource {
public:
    // Fails when a credential file cannot be used; does not connect. The handlers outlive the source.
    static Result<std::unique_ptr<KubeSource>> make(const ClusterConfig& config, const Handlers& handlers,
                                                    SourceOptions options);
    ~KubeSource();  // stops
    KubeSource(const KubeSource&) = delete;
    KubeSource& operator=(const KubeSource&) = delete;

    void start();
    // Returns when no handler runs any more and none will be called again; within a second if the handlers are quick.
    void stop();
    // Services, EndpointSlices, Pods, LoadBalancingPolicies, AddressPools, VirtualIPAdvertisements; Nodes, if they are watched. From
    // any thread.
    std::vector<KindStats> stats() const;

private:
    struct Impl;
    explicit KubeSource(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard::kube
