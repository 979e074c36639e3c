#pragma once
// What an API server checks before it stores an object, as far as the controller relies on it: names, ports, protocols. Where no
// API server did, this does. Addresses and the number of endpoints are not judged here: translation leaves out what it cannot use
// and keeps the rest. Pure. Source: Kubernetes pkg/apis/core/validation and pkg/apis/discovery/validation, v1.35.
#include "controller/kube/objects.hpp"

namespace steelyard::manifests {

void validate(const kube::Service& service, kube::Problems& problems);
void validate(const kube::EndpointSlice& slice, kube::Problems& problems);
void validate(const kube::Pod& pod, kube::Problems& problems);
void validate(const kube::LoadBalancingPolicy& policy, kube::Problems& problems);
void validate(const kube::AddressPool& pool, kube::Problems& problems);
void validate(const kube::VirtualIPAdvertisement& advertisement, kube::Problems& problems);
void validate(const kube::Node& node, kube::Problems& problems);

}  // namespace steelyard::manifests
