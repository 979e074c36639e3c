#pragma once
// Tells the cluster which CAs to trust: a ConfigMap and the caBundle of a webhook configuration. Reads before it writes,
// and writes only what differs. Blocks; one thread.
#include <stop_token>
#include <string>

#include "common/result.hpp"
#include "controller/kube/client.hpp"

namespace steelyard::certs {

class Publisher {
public:
    Publisher(kube::Client& client, std::string ns) : client_(client), ns_(std::move(ns)) {}

    Result<void> config_map(const std::string& name, const std::string& bundle, const std::stop_token& stop);
    // A configuration that does not exist is none of ours to make: that is no error.
    Result<void> webhooks(const std::string& name, const std::string& bundle, const std::stop_token& stop);

private:
    kube::Client& client_;
    const std::string ns_;
};

}  // namespace steelyard::certs
