#pragma once
// A Service's annotations, and two fields of its own, to the settings of its upstreams. Pure. A setting that cannot be read is reported (InvalidAnnotation) and
// its default stays in force; every other setting goes on.
//   steelyard.dev/algorithm      round-robin, weighted-round-robin (default), least-request, least-connections,
//                                least-response-time, ring-hash, maglev, random
//   steelyard.dev/hash-key       client-ip (default), header:NAME, cookie:NAME or query:NAME; for ring-hash and maglev
//   steelyard.dev/hash-on        the former name of hash-key; ignored beside it
//   steelyard.dev/load-factor    100-1000, percent of its share that a host may have in flight; for ring-hash and maglev; default: no bound
//   steelyard.dev/virtual-nodes  1-1000, default 150; for ring-hash
//   steelyard.dev/slow-start     duration, 1ms-1h: a host that comes later has 10 % of its weight at first, all of it after so long
//   steelyard.dev/locality       prefer-same-zone, prefer-same-node or none; default: what spec.trafficDistribution says, else none
//   steelyard.dev/health-check   JSON, see health_check.hpp; default: no active check
//   steelyard.dev/drain-timeout  duration, 0s-24h, default 30s
//   steelyard.dev/export-to      "*" or "ns1,ns2": whose proxies besides those of its own namespace may have it; default: nobody's
//
// spec.sessionAffinity: ClientIP makes maglev the default algorithm, by client address unless hash-key says otherwise: a client's pod is
// the same through every proxy, without any of them remembering it (so timeoutSeconds means nothing here).
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "controller/kube/objects.hpp"
#include "controller/translate/output.hpp"

namespace steelyard::translate {

struct Settings {
    config::Policy policy;
    std::vector<std::string> export_to;  // as config::Upstream has it
};

Settings read_settings(const kube::Service& service, Output& out);

}  // namespace steelyard::translate
