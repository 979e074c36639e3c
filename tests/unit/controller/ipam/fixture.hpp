#pragma once
// What the allocator's tests have in common.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/ipam/allocator.hpp"

namespace steelyard::ipam::testing {

inline PoolSpec pool(std::string name, std::vector<std::string> addresses) {
    PoolSpec spec;
    spec.name = std::move(name);
    spec.created = "2026-01-01T00:00:00Z";
    spec.addresses = std::move(addresses);
    return spec;
}

// "shop/web"; Services are as old as their names sort, unless `created` says otherwise.
inline ServiceRequest service(const std::string& key) {
    ServiceRequest request;
    request.ns = key.substr(0, key.find('/'));
    request.name = key.substr(key.find('/') + 1);
    request.created = "2026-01-01T00:00:00Z";
    request.ports = {{"TCP", 80}};
    return request;
}

// "192.0.2.0 2001:db8::1 #1", with the problem behind it if there is one; "-": nothing.
inline std::string told(const Allocation* allocation) {
    if (allocation == nullptr) return "unknown";
    std::string text;
    for (const Address& address : allocation->addresses) text += address.to_string() + " ";
    text += allocation->router_id == 0 ? "-" : "#" + std::to_string(allocation->router_id);
    return allocation->problem.empty() ? text : text + " " + allocation->problem;
}

class AllocatorTest : public ::testing::Test {
protected:
    // Tells and settles.
    std::string give(const ServiceRequest& request) {
        allocator.upsert(request);
        changed = allocator.settle();
        return has(request.key());
    }
    std::string has(const std::string& key) const { return told(allocator.find(key)); }
    void drop(const std::string& key) {
        allocator.remove(key);
        changed = allocator.settle();
    }
    void pools(std::vector<PoolSpec> specs) {
        allocator.set_pools(std::move(specs));
        changed = allocator.settle();
    }

    Allocator allocator;
    std::vector<Allocation> changed;
};

}  // namespace steelyard::ipam::testing
