#pragma once
// What the tests of picking share: an upstream of hosts with properties, and picks counted.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sidecar/upstream/host_picker.hpp"
#include "sidecar/upstream/snapshot.hpp"

namespace steelyard::test {

struct PickHost {
    uint32_t weight = 1;
    uint8_t priority = 0;
    std::string zone = {};
    std::string node = {};
    bool draining = false;
};

class PickerTest : public ::testing::Test {
protected:
    PickerTest() { upstream_.protocol = config::Protocol::http; }
    // Hosts are 10.0.x.y:80 by their place in the list, from the first on.
    void use(const std::vector<PickHost>& hosts) {
        config::EndpointSlice slice{"shop/web:http", "web-1", {}};
        for (size_t i = 0; i < hosts.size(); ++i) {
            const PickHost& host = hosts[i];
            const auto state = host.draining ? config::EndpointState::draining : config::EndpointState::ready;
            slice.endpoints.push_back({.address = "10.0." + std::to_string(i >> 8) + "." + std::to_string(i & 255),
                                       .port = 80,
                                       .weight = host.weight,
                                       .zone = host.zone,
                                       .node = host.node,
                                       .state = state,
                                       .priority = host.priority});
        }
        upstream_.name = slice.upstream;
        picker_.reset();
        before_ = std::move(snapshot_);
        snapshot_ = build_snapshot(upstream_, {&slice}, registry_, nullptr, place_);
        picker_.emplace(*snapshot_, 7);
    }
    Host& host(size_t i) { return *snapshot_->hosts.at(i).host; }
    void down(size_t i) { host(i).health = Health::down; }
    void up(size_t i) { host(i).health = Health::up; }
    TimePoint now() const { return TimePoint{} + Milliseconds{now_ms_}; }

    uint32_t pick(uint64_t hash = 0) { return picker_->pick({.hash = hash}, tried_, now()); }
    // How often each was picked; kNoHost is counted behind the hosts.
    std::vector<uint32_t> picks(size_t count) {
        std::vector<uint32_t> result(snapshot_->hosts.size() + 1);
        for (size_t i = 0; i < count; ++i) {
            const uint32_t picked = pick(i);
            ++result[picked == balancer::kNoHost ? snapshot_->hosts.size() : picked];
        }
        return result;
    }

    config::Upstream upstream_;
    Place place_;
    HostRegistry registry_;
    std::shared_ptr<const UpstreamSnapshot> before_;
    std::shared_ptr<const UpstreamSnapshot> snapshot_;
    std::optional<HostPicker> picker_;
    TriedHosts tried_;
    int64_t now_ms_ = 1'000'000;
};

constexpr config::Algorithm kAlgorithms[] = {config::Algorithm::round_robin,
                                             config::Algorithm::weighted_round_robin,
                                             config::Algorithm::least_request,
                                             config::Algorithm::ring_hash,
                                             config::Algorithm::random,
                                             config::Algorithm::maglev,
                                             config::Algorithm::least_response_time,
                                             config::Algorithm::least_connections};

}  // namespace steelyard::test
