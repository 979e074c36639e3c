#pragma once
// What has to be written of the status of a policy, a pool or an advertisement. Pure.
#include <optional>
#include <string>
#include <vector>

#include "controller/kube/objects.hpp"

namespace steelyard::status {

// The merge patch of the subresource that makes `seen` into `wanted`; nullopt: it says so already. A condition whose status
// stays keeps its lastTransitionTime, another gets `now` (RFC 3339).
std::optional<std::string> status_patch(const std::vector<kube::Condition>& seen,
                                        const std::vector<kube::Condition>& wanted, const std::string& now);

// The same of a pool, which has counts besides.
std::optional<std::string> status_patch(const kube::AddressPool& seen, const std::vector<kube::Condition>& wanted,
                                        const kube::PoolCounts& counts, const std::string& now);

}  // namespace steelyard::status
