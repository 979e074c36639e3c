#pragma once
// Which addresses ClusterIPs come from: the cluster's ServiceCIDR objects (networking.k8s.io/v1, Kubernetes 1.33 and newer),
// asked for on a thread of its own at the start and every ten minutes. A failed question leaves the last answer in force and
// is asked again, at growing intervals.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/kube/client.hpp"

namespace steelyard::kube {

// The CIDRs of a ServiceCIDRList, sorted, each once; what is no text is left out.
Result<std::vector<std::string>> decode_service_cidrs(std::string_view json);

class ServiceCidrs {
public:
    // `client` outlives it.
    explicit ServiceCidrs(Client& client);
    ~ServiceCidrs();  // stops
    void start();
    void request_stop();
    void stop();
    std::vector<std::string> current() const;  // any thread; empty: not known (yet)

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard::kube
