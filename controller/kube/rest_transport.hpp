#pragma once
// The Transport that has a network (see rest_session.hpp).
// Credentials and CA are read when a connection is made or a token used, so rotated files take effect by themselves.
#include <memory>
#include <string>

#include "common/result.hpp"
#include "controller/kube/config.hpp"
#include "controller/kube/transport.hpp"

namespace steelyard::kube {

// Fails when a certificate or key cannot be used. Does not connect. Cancels what is in flight when it is destroyed.
Result<std::unique_ptr<Transport>> make_rest_transport(const ClusterConfig& config);

}  // namespace steelyard::kube
