#pragma once
// Which texts are addresses that a backend may have. Pure. Sources: discovery.k8s.io/v1 EndpointSlice (addresses, addressType);
// Kubernetes' own validation refuses unspecified, loopback, link-local and multicast endpoints for the same reason (CVE-2020-8562
// and its like: they name something else on each node).
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace steelyard::translate {

enum class Family { ipv4, ipv6 };

// The address in its canonical form (RFC 5952 for IPv6), so that equal addresses are equal text. The error's `where` is the
// problem's reason, "InvalidAddress" or "ForbiddenAddress". Loopback and link-local pass only with `allow_loopback`; unspecified
// and multicast never do.
Result<std::string> backend_address(std::string_view text, Family family, bool allow_loopback);

}  // namespace steelyard::translate
