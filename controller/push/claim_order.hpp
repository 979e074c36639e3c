#pragma once
// A claim as the session passes it on: who asks, and of what it may have, for how long. Answered once, from any thread, with one
// grant for each part in order; nobody waits for it any more when `claimant` has expired.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/push/message.hpp"

namespace steelyard::push {

struct ClaimOrder {
    struct Part {
        LeaseClaim claim;
        uint32_t duration_ms = 0;
    };
    uint64_t id = 0;
    std::string node, instance;
    std::vector<Part> parts;
    std::weak_ptr<const void> claimant;
};

using ClaimAnswer = std::function<void(std::vector<LeaseGrant>)>;
using ClaimHandler = std::function<void(ClaimOrder, ClaimAnswer)>;

}  // namespace steelyard::push
