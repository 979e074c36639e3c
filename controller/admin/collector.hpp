#pragma once
// The controller's /metrics. Series are bounded: by kind, reason, result and AddressPool, never by Service or proxy. Main thread.
#include <prometheus/collectable.h>

#include <vector>

#include "common/metrics/series_limit.hpp"
#include "controller/cluster.hpp"
#include "controller/inject/service.hpp"
#include "controller/kube/kube_source.hpp"
#include "controller/loadbalancer/manager.hpp"
#include "controller/manifests/manifest_source.hpp"
#include "controller/pipeline.hpp"
#include "controller/push/server.hpp"
#include "controller/security.hpp"

namespace steelyard {

class ControllerCollector final : public prometheus::Collectable {
public:
    struct Sources {
        const Pipeline& pipeline;
        const push::PushServer& server;
        const kube::KubeSource* kube;                // null with --manifests
        const manifests::ManifestSource* manifests;  // null without
        const Cluster* cluster;                      // null with --manifests
        const Security* security;
        const inject::InjectService* webhook;    // null without
        const loadbalancer::Manager* balancers;  // null with --manifests
    };
    explicit ControllerCollector(Sources sources, size_t series_limit = metrics::SeriesLimit::kDefault)
        : sources_(sources), limit_(series_limit) {}

    std::vector<prometheus::MetricFamily> Collect() const override;

private:
    Sources sources_;
    mutable metrics::SeriesLimit limit_;
};

}  // namespace steelyard
