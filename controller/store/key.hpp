#pragma once
// The name of something in the cluster state that can change and that a translation can have read.
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "controller/kube/objects.hpp"

namespace steelyard::store {

enum class Kind : uint8_t {
    service,
    endpoint_slice,
    pod,
    crowd,  // the slices of a Service (by its name) that together have more endpoints than an upstream may
    policy,
    policies_of,  // the policies that name a Service (by its name)
    address_pool,
    advertisement,
    pools,  // all AddressPools and VirtualIPAdvertisements together; its one key is kAllPools
    node,
};

std::string_view to_string(Kind kind);  // as Kubernetes writes it: "Service"

struct Key {
    Kind kind = Kind::service;
    kube::ObjectKey object;

    std::string to_string() const;  // "Service shop/web"
    friend auto operator<=>(const Key&, const Key&) = default;
};

// Among the changes whenever a pool or an advertisement changed in more than its status, and when all Nodes are known for the first time.
inline const Key kAllPools{Kind::pools, {}};

// Hashes of both are equal for equal text, so that a table of ObjectKeys can be asked with views.
size_t hash_of(std::string_view ns, std::string_view name) noexcept;

struct ObjectKeyHash {
    size_t operator()(const kube::ObjectKey& key) const noexcept { return hash_of(key.ns, key.name); }
};
struct KeyHash {
    size_t operator()(Kind kind, const kube::ObjectKey& object) const noexcept {
        return hash_of(object.ns, object.name) ^ ((static_cast<size_t>(kind) + 1) * 0x9e3779b97f4a7c15U);
    }
    size_t operator()(const Key& key) const noexcept { return (*this)(key.kind, key.object); }
};

}  // namespace steelyard::store
