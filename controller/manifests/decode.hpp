#pragma once
// The text of a manifest to the Kubernetes objects the controller works from: Service (v1), EndpointSlice (discovery.k8s.io/v1),
// Pod and Node (v1), LoadBalancingPolicy, AddressPool, VirtualIPAdvertisement (steelyard.dev/v1alpha1), also as items of a List; other kinds are counted and passed over. Pure; bounded by its limits.
//
// With `as_api_server` the objects are held to what an API server would have checked before anybody saw them (names, ports,
// protocols), and one with a problem is not delivered. Without it, objects are delivered as they stand, their wrongly typed fields
// in `problems`, as a client of the API gets them.
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/result.hpp"
#include "controller/kube/objects.hpp"
#include "controller/manifests/fields.hpp"
#include "controller/manifests/yaml_tree.hpp"

namespace steelyard::manifests {

using Object = std::variant<kube::Service, kube::EndpointSlice, kube::Pod, kube::LoadBalancingPolicy, kube::AddressPool,
                            kube::VirtualIPAdvertisement, kube::Node>;

inline constexpr std::array<std::string_view, 7> kKinds{
    "Service",     "EndpointSlice",          "Pod", "LoadBalancingPolicy",
    "AddressPool", "VirtualIPAdvertisement", "Node"};  // as in Object
std::string_view kind_of(const Object& object);        // "Service"
const kube::ObjectMeta& meta_of(const Object& object);

// Where an object stands in its file, and what it is called there.
struct Place {
    size_t document = 0;  // from 1
    size_t item = 0;      // of a List, from 1; 0: not in one
    std::string kind;     // empty if that is what is wrong
    kube::ObjectKey key;  // may be empty likewise

    std::string to_string() const;  // "document 2, item 3 (Service shop/web)"
};

struct Placed {
    Object object;
    Place place;
};

struct Fault {
    Place place;
    Error error;  // the field's path and what is wrong with it
};

struct Decoded {
    std::vector<Placed> objects;
    std::vector<Fault> faults;
    size_t passed_over = 0;  // documents of other kinds
};

struct DecodeOptions {
    bool as_api_server = true;
    YamlLimits yaml;
    Budget budget;
    size_t max_objects = 100'000;
};

// An error means that nothing of the text is of use: it is no YAML, or beyond a limit.
Result<Decoded> decode_manifest(std::string_view text, const DecodeOptions& options = {});

}  // namespace steelyard::manifests
