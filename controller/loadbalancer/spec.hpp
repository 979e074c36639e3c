#pragma once
// The specs of AddressPool and VirtualIPAdvertisement (steelyard.dev/v1alpha1; every field is described in docs/loadbalancer.md)
// as values. Reading is pure and as strict as the CustomResourceDefinitions in charts/steelyard, except that the texts of
// addresses are passed on as they are written: what they mean, and which pools overlap, is controller/ipam's to judge.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/policy/spec.hpp"

namespace steelyard::loadbalancer {

inline constexpr std::string_view kPoolKind = "AddressPool";
inline constexpr std::string_view kAdvertisementKind = "VirtualIPAdvertisement";
inline constexpr size_t kMaxRanges = 64;
inline constexpr size_t kMaxNamespaces = 256;
inline constexpr size_t kMaxExpressions = 16;
inline constexpr size_t kMaxValues = 64;
inline constexpr size_t kMaxPools = 64;
inline constexpr size_t kMaxInterfaces = 16;
inline constexpr size_t kMaxNodes = 1000;
inline constexpr size_t kMaxPeers = 64;

// meta/v1 LabelSelector: everything in it holds. An empty one selects everything.
struct LabelSelector {
    enum class Operator : uint8_t { in, not_in, exists, does_not_exist };
    struct Expression {
        std::string key;
        Operator op = Operator::in;
        std::vector<std::string> values;

        friend bool operator==(const Expression&, const Expression&) = default;
    };
    std::map<std::string, std::string, std::less<>> labels;
    std::vector<Expression> expressions;

    bool empty() const { return labels.empty() && expressions.empty(); }
    friend bool operator==(const LabelSelector&, const LabelSelector&) = default;
};

struct PoolSpec {
    std::vector<std::string> addresses;  // "192.0.2.0/28", "2001:db8::10-2001:db8::1f"; as they are written
    bool auto_assign = true;
    std::vector<std::string> namespaces;  // whose Services may have them; empty: all
    LabelSelector services;

    friend bool operator==(const PoolSpec&, const PoolSpec&) = default;
};

struct AdvertisementSpec {
    std::vector<std::string> pools;       // by name; empty: all
    std::vector<std::string> interfaces;  // names or globs with '*'; empty: found out
    std::vector<std::string> nodes;       // by name; empty: every edge
    LabelSelector node_selector;          // of these, those whose labels match
    bool by_lease = false;                // else by VRRP, which the figures are of that follow lease_duration_ms
    uint32_t lease_duration_ms = 5000;    // whole seconds
    uint32_t advertisement_interval_ms = 100;
    uint32_t preempt_delay_ms = 0;
    bool preempt = true;
    bool accept = true;
    uint32_t first_router_id = 1;
    uint32_t last_router_id = 255;
    std::vector<std::string> peers;  // unicast, IP literals as they are written; empty: multicast

    friend bool operator==(const AdvertisementSpec&, const AdvertisementSpec&) = default;
};

template <class Spec>
struct Reading {
    Spec spec;                         // what could be read; to be used only if there are no problems
    std::vector<Error> problems;       // `where` is the field's path ("spec.addresses[0]"); bounded
    std::vector<std::string> ignored;  // paths of fields that are not known; bounded
};

// `spec`: the member of that name; null stands for absent.
Reading<PoolSpec> read_pool(const nlohmann::json& spec, policy::Unknown unknown);
Reading<AdvertisementSpec> read_advertisement(const nlohmann::json& spec, policy::Unknown unknown);

}  // namespace steelyard::loadbalancer
