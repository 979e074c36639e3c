#include "controller/kube/kube_source.hpp"

#include <optional>
#include <random>
#include <utility>

#include "controller/kube/reflector.hpp"
#include "controller/kube/rest_transport.hpp"

namespace steelyard::kube {
namespace {

// A cluster may get the CustomResourceDefinitions only after the controller. An API server that does not answer is asked for Services,
// slices and Pods soon again; these kinds are nudged when it does.
constexpr ReflectorTiming kOwnKinds{.backoff_base = Milliseconds(1'000), .backoff_limit = Milliseconds(10'000)};

Backoff::Random seeded_random() {
    return [engine = std::mt19937_64(std::random_device{}()),
            spread = std::uniform_real_distribution<double>(0.0, 1.0)]() mutable { return spread(engine); };
}

}  // namespace

struct KubeSource::Impl {
    Impl(std::unique_ptr<Transport> transport_in, const Handlers& handlers, SourceOptions options)
        : transport(std::move(transport_in)),
          services(*transport, handlers.services, {}, seeded_random(), [this] { nudge_all(); }),
          slices(*transport, handlers.slices, {}, seeded_random(), [this] { nudge_all(); }),
          pods(*transport, handlers.pods, {}, seeded_random(), [this] { nudge_all(); }),
          policies(*transport, handlers.policies, kOwnKinds, seeded_random(), [this] { nudge_all(); }),
          pools(*transport, handlers.pools, kOwnKinds, seeded_random(), [this] { nudge_all(); }),
          advertisements(*transport, handlers.advertisements, kOwnKinds, seeded_random(), [this] { nudge_all(); }) {
        if (options.nodes)
            nodes.emplace(*transport, handlers.nodes, kOwnKinds, seeded_random(), [this] { nudge_all(); });
    }

    // One kind reached the API server again: the others need not wait out their back-off.
    void nudge_all() {
        each([](auto& reflector) { reflector.nudge(); });
    }
    template <class Use>
    void each(Use use) {
        use(services);
        use(slices);
        use(pods);
        use(policies);
        use(pools);
        use(advertisements);
        if (nodes) use(*nodes);
    }

    std::unique_ptr<Transport> transport;
    Reflector<Service> services;
    Reflector<EndpointSlice> slices;
    Reflector<Pod> pods;
    Reflector<LoadBalancingPolicy> policies;
    Reflector<AddressPool> pools;
    Reflector<VirtualIPAdvertisement> advertisements;
    std::optional<Reflector<Node>> nodes;
};

KubeSource::KubeSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

KubeSource::~KubeSource() { stop(); }

Result<std::unique_ptr<KubeSource>> KubeSource::make(const ClusterConfig& config, const Handlers& handlers,
                                                     SourceOptions options) {
    Result<std::unique_ptr<Transport>> transport = make_rest_transport(config);
    if (!transport) return transport.error();
    auto impl = std::make_unique<Impl>(std::move(*transport), handlers, options);
    return std::unique_ptr<KubeSource>(new KubeSource(std::move(impl)));
}

void KubeSource::start() {
    impl_->each([](auto& reflector) { reflector.start(); });
}

void KubeSource::stop() {
    impl_->each([](auto& reflector) { reflector.request_stop(); });
    impl_->each([](auto& reflector) { reflector.stop(); });
}

std::vector<KindStats> KubeSource::stats() const {
    std::vector<KindStats> all;
    impl_->each([&](const auto& reflector) { all.push_back(reflector.stats()); });
    return all;
}

}  // namespace steelyard::kube
