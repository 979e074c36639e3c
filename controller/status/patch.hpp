#pragma once
// What has to be written of a policy's status. Pure.
#include <optional>
#include <string>
#include <vector>

#include "controller/kube/objects.hpp"

namespace steelyard::status {

// The merge patch of the subresource that makes `seen` into `wanted`; nullopt: it says so already. A condition whose status
// stays keeps its lastTransitionTime, another gets `now` (RFC 3339).
std::optional<std::string> status_patch(const std::vector<kube::Condition>& seen,
                                        const std::vector<kube::Condition>& wanted, const std::string& now);

}  // namespace steelyard::status
