#include "controller/kube/kube_source.hpp"

#include <random>
#include <utility>

#include "controller/kube/reflector.hpp"
#include "controller/kube/rest_transport.hpp"

namespace steelyard::kube {
namespace {

// A cluster may get the CustomResourceDefinition only after the controller.
constexpr Milliseconds kPolicyRetry{10'000};

Backoff::Random seeded_random() {
    return [engine = std::mt19937_64(std::random_device{}()),
            spread = std::uniform_real_distribution<double>(0.0, 1.0)]() mutable { return spread(engine); };
}

}  // namespace

struct KubeSource::Impl {
    Impl(std::unique_ptr<Transport> transport_in, const Handlers& handlers)
        : transport(std::move(transport_in)),
          services(*transport, handlers.services, {}, seeded_random(), [this] { nudge_all(); }),
          slices(*transport, handlers.slices, {}, seeded_random(), [this] { nudge_all(); }),
          pods(*transport, handlers.pods, {}, seeded_random(), [this] { nudge_all(); }),
          policies(*transport, handlers.policies, {.backoff_limit = kPolicyRetry}, seeded_random(),
                   [this] { nudge_all(); }) {}

    // One kind reached the API server again: the others need not wait out their back-off.
    void nudge_all() {
        services.nudge();
        slices.nudge();
        pods.nudge();
        policies.nudge();
    }

    std::unique_ptr<Transport> transport;
    Reflector<Service> services;
    Reflector<EndpointSlice> slices;
    Reflector<Pod> pods;
    Reflector<LoadBalancingPolicy> policies;
};

KubeSource::KubeSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

KubeSource::~KubeSource() { stop(); }

Result<std::unique_ptr<KubeSource>> KubeSource::make(const ClusterConfig& config, const Handlers& handlers) {
    Result<std::unique_ptr<Transport>> transport = make_rest_transport(config);
    if (!transport) return transport.error();
    auto impl = std::make_unique<Impl>(std::move(*transport), handlers);
    return std::unique_ptr<KubeSource>(new KubeSource(std::move(impl)));
}

void KubeSource::start() {
    impl_->services.start();
    impl_->slices.start();
    impl_->pods.start();
    impl_->policies.start();
}

void KubeSource::stop() {
    impl_->services.request_stop();
    impl_->slices.request_stop();
    impl_->pods.request_stop();
    impl_->policies.request_stop();
    impl_->services.stop();
    impl_->slices.stop();
    impl_->pods.stop();
    impl_->policies.stop();
}

std::array<KindStats, 4> KubeSource::stats() const {
    return {impl_->services.stats(), impl_->slices.stats(), impl_->pods.stats(), impl_->policies.stats()};
}

}  // namespace steelyard::kube
