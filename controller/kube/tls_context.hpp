#pragma once
// OpenSSL's settings for the connection to the API server. Only rest_session.cpp includes this.
#include <boost/asio/ssl/context.hpp>

#include "common/result.hpp"
#include "controller/kube/config.hpp"

namespace steelyard::kube {

// Trust only the configured CA (the system's CAs when none is), TLS 1.2 or newer, our certificate if there is one. The
// error names the file or field that cannot be used.
Result<void> configure_tls(boost::asio::ssl::context& context, const ClusterConfig& config);

}  // namespace steelyard::kube
