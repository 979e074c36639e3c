// That the way does not matter: whatever happened, the sum of updates is what a fresh translator makes of the state.
#include <random>

#include "tests/unit/controller/translate/translator_test.hpp"

namespace steelyard::translate {
namespace {

using store::ClusterState;
using store::Kind;

// Random changes of a small world, drawn so that names collide often.
class World {
public:
    explicit World(uint32_t seed) : random_(seed) {}

    void change(ClusterState& state) {
        const std::string service_name = "svc" + std::to_string(below(3));
        const std::string slice_name = "slice" + std::to_string(below(6));
        const std::string pod_name = "pod" + std::to_string(below(8));
        const std::string policy_name = "policy" + std::to_string(below(4));
        switch (below(10)) {
            case 8:
                return state.remove(Kind::policy, {"shop", policy_name});
            case 9:
                return state.upsert(random_policy(policy_name));
            case 0:
                return state.remove(Kind::service, {"shop", service_name});
            case 1:
                return state.remove(Kind::endpoint_slice, {"shop", slice_name});
            case 2:
                return state.remove(Kind::pod, {"shop", pod_name});
            case 3:
                return state.upsert(pod(pod_name, std::string(weights_[below(4)])));
            case 4:
                return relist(state);
            case 5:
                return state.upsert(random_service(service_name));
            default:
                return state.upsert(random_slice(slice_name, service_name));
        }
    }

private:
    uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
    std::vector<std::string> random_ports() {
        std::vector<std::string> ports;
        for (const char* name : {"http", "grpc", ""}) {
            if (below(2) == 0) ports.emplace_back(name);
        }
        return ports;
    }
    kube::Service random_service(const std::string& name) {
        kube::Service made = service(name, random_ports());
        if (below(4) == 0) made.meta.annotations["steelyard.dev/algorithm"] = below(2) == 0 ? "random" : "fastest";
        if (below(6) == 0) made.type = "ExternalName";
        return made;
    }
    kube::EndpointSlice random_slice(const std::string& name, const std::string& of) {
        std::vector<std::string> pods;
        for (uint32_t i = below(4); i > 0; --i) pods.push_back("pod" + std::to_string(below(8)));
        kube::EndpointSlice made = slice(name, below(8) == 0 ? "" : of, pods, random_ports());
        for (kube::SliceEndpoint& endpoint : made.endpoints) {
            if (below(4) == 0) endpoint.ready = false;
            if (below(2) == 0) endpoint.terminating = true;
            if (below(2) == 0) endpoint.serving = true;
            if (below(9) == 0) endpoint.address = "nowhere";
        }
        return made;
    }
    kube::LoadBalancingPolicy random_policy(const std::string& name) {
        constexpr const char* kSections[] = {"", "http", "80", "81", "grpc"};
        std::vector<policy::Target> targets;
        for (uint32_t i = below(3) + 1; i > 0; --i)
            targets.push_back({"svc" + std::to_string(below(3)), kSections[below(5)]});
        kube::LoadBalancingPolicy made =
            policy(name, std::move(targets), below(2) == 0 ? config::Algorithm::random : config::Algorithm::maglev);
        made.generation = below(3);
        made.created = below(2) == 0 ? "2026-11-01T00:00:00Z" : "2026-11-02T00:00:00Z";
        if (below(5) == 0) made.problems.push_back({"spec", "is wrong"});
        return made;
    }
    void relist(ClusterState& state) {
        state.begin_list(Kind::endpoint_slice);
        for (int i = 0; i < 6; ++i) {
            const auto* known = state.slice({"shop", "slice" + std::to_string(i)});
            if (known != nullptr && below(3) != 0) state.upsert(kube::EndpointSlice(*known));
        }
        state.end_list(Kind::endpoint_slice);
    }

    static constexpr std::string_view weights_[] = {"", "0", "5", "heavy"};
    std::mt19937 random_;
};

// What a translator that never saw the way there makes of the state.
Mirror fresh(const ClusterState& state) {
    std::vector<store::Key> keys;
    for (int i = 0; i < 6; ++i) {
        if (i < 3) keys.push_back({Kind::service, {"shop", "svc" + std::to_string(i)}});
        if (i < 4) keys.push_back({Kind::policy, {"shop", "policy" + std::to_string(i)}});
        keys.push_back({Kind::endpoint_slice, {"shop", "slice" + std::to_string(i)}});
    }
    Translator translator;
    Mirror mirror;
    mirror.apply(translator.update(state, keys));
    return mirror;
}

TEST(TranslatorProperty, WhateverTheOrderOfChangesTheSumOfUpdatesIsAFreshTranslation) {
    for (uint32_t seed = 1; seed <= 40; ++seed) {
        World world(seed);
        ClusterState state(6);
        Translator translator;
        Mirror mirror;
        for (int round = 0; round < 60; ++round) {
            for (uint32_t i = seed % 7 + 1; i > 0; --i) world.change(state);
            mirror.apply(translator.update(state, state.take_changes()));
            ASSERT_TRUE(mirror == fresh(state)) << "seed " << seed << ", round " << round;
        }
    }
}

}  // namespace
}  // namespace steelyard::translate
