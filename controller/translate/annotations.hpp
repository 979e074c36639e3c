#pragma once
// A Service's annotations to the policy of its upstreams. Pure. A setting that cannot be read is reported (InvalidAnnotation) and
// its default stays in force; every other setting goes on.
//   steelyard.dev/algorithm      round-robin, weighted-round-robin (default), least-request, ring-hash, random
//   steelyard.dev/hash-on        client-ip (default) or header:NAME; for ring-hash
//   steelyard.dev/virtual-nodes  1-1000, default 150; for ring-hash
//   steelyard.dev/health-check   JSON, see health_check.hpp; default: no active check
//   steelyard.dev/drain-timeout  duration, 0s-24h, default 30s
#include "common/config/model.hpp"
#include "controller/kube/objects.hpp"
#include "controller/translate/output.hpp"

namespace steelyard::translate {

config::Policy read_policy(const kube::ObjectMeta& service, Output& out);

}  // namespace steelyard::translate
