#pragma once
// Address pools: what they say, whether they may be used, and whom they serve. Pure values.
//
// A pool that is Invalid or overlaps an older one gives nothing to anybody, whole. Who holds an address that it names, as far as
// its entries can be read, keeps it: a slip in an edit takes nobody's address away.
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ipam/address.hpp"

namespace steelyard::ipam {

using Labels = std::map<std::string, std::string, std::less<>>;

// meta/v1 LabelSelector.
struct Requirement {
    std::string key;
    std::string op;  // In, NotIn, Exists, DoesNotExist
    std::vector<std::string> values;

    friend bool operator==(const Requirement&, const Requirement&) = default;
};
struct Selector {
    Labels match_labels;
    std::vector<Requirement> match_expressions;

    friend bool operator==(const Selector&, const Selector&) = default;
};

// The empty selector matches everything. An operator that is none of the four matches nothing.
bool matches(const Selector& selector, const Labels& labels);

// Which VRRP router ids the Services of a pool get: those of the VirtualIPAdvertisement in force there. Services share a router id
// only when they have the same `name` here.
struct RouterIds {
    std::string name;  // of the advertisement; empty: none, the defaults
    uint8_t first = 1;
    uint8_t last = 255;

    friend bool operator==(const RouterIds&, const RouterIds&) = default;
};

struct PoolSpec {
    static constexpr size_t kMaxAddresses = 64;

    std::string name;
    std::string created;  // RFC 3339, UTC: the order of the texts is that of the times
    std::vector<std::string> addresses;
    bool auto_assign = true;
    std::vector<std::string> namespaces;  // empty: all
    std::optional<Selector> service_selector;
    RouterIds router_ids;
    std::string problem;  // what the reader of the object found wrong; not empty: the pool is Invalid

    friend bool operator==(const PoolSpec&, const PoolSpec&) = default;
};

struct Pool {
    PoolSpec spec;
    std::vector<Range> ranges;  // merged; of a refused pool those that can be read
    bool accepted = false;
    std::string reason;   // of the condition Accepted: "Accepted", "Invalid", "Overlap"
    std::string message;  // where, what, what now

    bool admits(std::string_view ns, const Labels& labels) const;
    bool contains(const Address& address) const;
    bool restricted() const { return !spec.namespaces.empty() || spec.service_selector.has_value(); }
};

// All pools, the oldest first (creation, then name), judged in this order: the older keeps what two of them name.
std::vector<Pool> judge_pools(std::vector<PoolSpec> specs);

}  // namespace steelyard::ipam
