#pragma once
// The tables that say which fields of which kind are read, and into what. Private to decode.cpp.
#include <string>
#include <type_traits>

#include "controller/kube/decode.hpp"
#include "controller/kube/json_walker.hpp"

namespace steelyard::kube::schema {

// What the setters write to: the object being read and what surrounds it.
template <class T>
struct Reading {
    T object;
    std::string ref_kind;  // targetRef.kind of the endpoint being read
    Status status;         // fields of meta/v1 Status, when the object is one
    ListMeta list;
    std::string event_type;
    std::function<void()> item_done;
};

template <class T>
T& object(void* reading) {
    return static_cast<Reading<T>*>(reading)->object;
}

// What only some Services keep: until the whole is read it is not known which (finish() in decode.cpp).
template <class T>
LoadBalancer* balancer(void* r) {
    if constexpr (std::is_same_v<T, Service>) return &object<T>(r).balancer.make();
    static_cast<void>(r);
    return nullptr;
}

template <class T>
constexpr JsonNode kFinalizer[] = {{.set = [](void* r, const JsonValue& v) {
    if (LoadBalancer* one = balancer<T>(r)) one->finalizers.emplace_back(v.text);
}}};

template <class T>
constexpr JsonNode kMetaFields[] = {
    {.name = "namespace", .set = [](void* r, const JsonValue& v) { object<T>(r).meta.ns = v.text; }},
    {.name = "name", .set = [](void* r, const JsonValue& v) { object<T>(r).meta.name = v.text; }},
    {.name = "uid",
     .set =
         [](void* r, const JsonValue& v) {
             if constexpr (std::is_same_v<T, Service>) object<T>(r).uid = v.text;
             static_cast<void>(r), static_cast<void>(v);
         }},
    {.name = "resourceVersion",
     .set = [](void* r, const JsonValue& v) { object<T>(r).meta.resource_version = v.text; }},
    {.name = "annotations",
     .shape = Shape::text_map,
     .set =
         [](void* r, const JsonValue& v) {
             if (v.key.starts_with(kAnnotationPrefix)) object<T>(r).meta.annotations[std::string(v.key)] = v.text;
         }},
    {.name = "labels",
     .shape = Shape::text_map,
     .set =
         [](void* r, const JsonValue& v) {
             if constexpr (std::is_same_v<T, EndpointSlice>) {
                 if (v.key == kServiceNameLabel) object<T>(r).service_name = v.text;
             }
             if constexpr (std::is_same_v<T, Node>) object<T>(r).labels[std::string(v.key)] = v.text;
             if (LoadBalancer* one = balancer<T>(r)) one->labels[std::string(v.key)] = v.text;
         }},
    {.name = "finalizers", .shape = Shape::list, .children = kFinalizer<T>},
    {.name = "creationTimestamp",
     .set =
         [](void* r, const JsonValue& v) {
             if (LoadBalancer* one = balancer<T>(r)) one->created = v.text;
         }},
    {.name = "deletionTimestamp",
     .set =
         [](void* r, const JsonValue&) {
             if (LoadBalancer* one = balancer<T>(r)) one->deleted = true;
         }},
};

inline ServicePort& service_port(void* r) { return object<Service>(r).ports.back(); }

inline constexpr JsonNode kServicePortFields[] = {
    {.name = "name", .set = [](void* r, const JsonValue& v) { service_port(r).name = v.text; }},
    {.name = "port",
     .shape = Shape::integer,
     .set = [](void* r, const JsonValue& v) { service_port(r).port = v.integer; }},
    {.name = "targetPort",
     .shape = Shape::integer_or_text,
     .set =
         [](void* r, const JsonValue& v) {
             if (v.is_text) {
                 service_port(r).target_port = std::string(v.text);
             } else {
                 service_port(r).target_port = v.integer;
             }
         }},
    {.name = "protocol", .set = [](void* r, const JsonValue& v) { service_port(r).protocol = v.text; }},
    {.name = "appProtocol", .set = [](void* r, const JsonValue& v) { service_port(r).app_protocol = v.text; }},
};

inline constexpr JsonNode kServicePort[] = {
    {.shape = Shape::object,
     .set = [](void* r, const JsonValue&) { object<Service>(r).ports.emplace_back(); },
     .children = kServicePortFields}};

inline constexpr JsonNode kClientIp[] = {
    {.name = "timeoutSeconds", .shape = Shape::integer, .set = [](void* r, const JsonValue& v) {
         object<Service>(r).session_affinity_timeout_seconds = v.integer;
     }}};

inline constexpr JsonNode kSessionAffinityConfig[] = {
    {.name = "clientIP", .shape = Shape::object, .children = kClientIp}};

inline constexpr JsonNode kClusterIp[] = {
    {.set = [](void* r, const JsonValue& v) { object<Service>(r).cluster_ips.emplace_back(v.text); }}};

inline constexpr JsonNode kSourceRange[] = {
    {.set = [](void* r, const JsonValue& v) { balancer<Service>(r)->source_ranges.emplace_back(v.text); }}};
inline constexpr JsonNode kIpFamily[] = {
    {.set = [](void* r, const JsonValue& v) { balancer<Service>(r)->ip_families.emplace_back(v.text); }}};

inline constexpr JsonNode kIngressFields[] = {
    {.name = "ip", .set = [](void* r, const JsonValue& v) { balancer<Service>(r)->ingress.back().ip = v.text; }},
    {.name = "hostname",
     .set = [](void* r, const JsonValue& v) { balancer<Service>(r)->ingress.back().hostname = v.text; }},
    {.name = "ipMode",
     .set = [](void* r, const JsonValue& v) { balancer<Service>(r)->ingress.back().ip_mode = v.text; }},
};
inline constexpr JsonNode kIngress[] = {
    {.shape = Shape::object,
     .set = [](void* r, const JsonValue&) { balancer<Service>(r)->ingress.emplace_back(); },
     .children = kIngressFields}};
inline constexpr JsonNode kLoadBalancerStatus[] = {{.name = "ingress", .shape = Shape::list, .children = kIngress}};
inline constexpr JsonNode kServiceStatusFields[] = {
    {.name = "loadBalancer", .shape = Shape::object, .children = kLoadBalancerStatus}};

inline constexpr JsonNode kServiceSpecFields[] = {
    {.name = "type", .set = [](void* r, const JsonValue& v) { object<Service>(r).type = v.text; }},
    {.name = "clusterIP", .set = [](void* r, const JsonValue& v) { object<Service>(r).cluster_ip = v.text; }},
    {.name = "clusterIPs",
     .shape = Shape::list,
     .set = [](void* r, const JsonValue&) { object<Service>(r).cluster_ips.clear(); },
     .children = kClusterIp},
    {.name = "externalName", .set = [](void* r, const JsonValue& v) { object<Service>(r).external_name = v.text; }},
    {.name = "ports",
     .shape = Shape::list,
     .set = [](void* r, const JsonValue&) { object<Service>(r).ports.clear(); },
     .children = kServicePort},
    {.name = "sessionAffinity",
     .set = [](void* r, const JsonValue& v) { object<Service>(r).session_affinity = v.text; }},
    {.name = "sessionAffinityConfig", .shape = Shape::object, .children = kSessionAffinityConfig},
    {.name = "trafficDistribution",
     .set = [](void* r, const JsonValue& v) { object<Service>(r).traffic_distribution = v.text; }},
    {.name = "loadBalancerClass",
     .set = [](void* r, const JsonValue& v) { balancer<Service>(r)->load_balancer_class = v.text; }},
    {.name = "loadBalancerIP",
     .set = [](void* r, const JsonValue& v) { balancer<Service>(r)->load_balancer_ip = v.text; }},
    {.name = "loadBalancerSourceRanges", .shape = Shape::list, .children = kSourceRange},
    {.name = "externalTrafficPolicy",
     .set = [](void* r, const JsonValue& v) { balancer<Service>(r)->external_traffic_policy = v.text; }},
    {.name = "ipFamilies", .shape = Shape::list, .children = kIpFamily},
    {.name = "ipFamilyPolicy",
     .set = [](void* r, const JsonValue& v) { balancer<Service>(r)->ip_family_policy = v.text; }},
};

inline SlicePort& slice_port(void* r) { return object<EndpointSlice>(r).ports.back(); }
inline SliceEndpoint& endpoint(void* r) { return object<EndpointSlice>(r).endpoints.back(); }

inline constexpr JsonNode kSlicePortFields[] = {
    {.name = "name", .set = [](void* r, const JsonValue& v) { slice_port(r).name = v.text; }},
    {.name = "port",
     .shape = Shape::integer,
     .set = [](void* r, const JsonValue& v) { slice_port(r).port = v.integer; }},
    {.name = "protocol", .set = [](void* r, const JsonValue& v) { slice_port(r).protocol = v.text; }},
    {.name = "appProtocol", .set = [](void* r, const JsonValue& v) { slice_port(r).app_protocol = v.text; }},
};

inline constexpr JsonNode kSlicePort[] = {
    {.shape = Shape::object,
     .set = [](void* r, const JsonValue&) { object<EndpointSlice>(r).ports.emplace_back(); },
     .children = kSlicePortFields}};

inline constexpr JsonNode kConditionFields[] = {
    {.name = "ready",
     .shape = Shape::boolean,
     .set = [](void* r, const JsonValue& v) { endpoint(r).ready = v.boolean; }},
    {.name = "serving",
     .shape = Shape::boolean,
     .set = [](void* r, const JsonValue& v) { endpoint(r).serving = v.boolean; }},
    {.name = "terminating",
     .shape = Shape::boolean,
     .set = [](void* r, const JsonValue& v) { endpoint(r).terminating = v.boolean; }},
};

inline constexpr JsonNode kTargetRefFields[] = {
    {.name = "kind",
     .set = [](void* r, const JsonValue& v) { static_cast<Reading<EndpointSlice>*>(r)->ref_kind = v.text; }},
    {.name = "namespace", .set = [](void* r, const JsonValue& v) { endpoint(r).pod_ns = v.text; }},
    {.name = "name", .set = [](void* r, const JsonValue& v) { endpoint(r).pod_name = v.text; }},
};

inline constexpr JsonNode kAddress[] = {{.set = [](void* r, const JsonValue& v) {
    if (endpoint(r).address.empty()) endpoint(r).address = v.text;
}}};

inline constexpr JsonNode kEndpointFields[] = {
    {.name = "addresses", .shape = Shape::list, .children = kAddress},
    {.name = "conditions", .shape = Shape::object, .children = kConditionFields},
    {.name = "targetRef", .shape = Shape::object, .children = kTargetRefFields},
    {.name = "nodeName", .set = [](void* r, const JsonValue& v) { endpoint(r).node_name = v.text; }},
    {.name = "zone", .set = [](void* r, const JsonValue& v) { endpoint(r).zone = v.text; }},
};

inline constexpr JsonNode kEndpoint[] = {{.shape = Shape::object,
                                          .set =
                                              [](void* r, const JsonValue&) {
                                                  object<EndpointSlice>(r).endpoints.emplace_back();
                                                  static_cast<Reading<EndpointSlice>*>(r)->ref_kind.clear();
                                              },
                                          .children = kEndpointFields,
                                          .end =
                                              [](void* r) {
                                                  if (static_cast<Reading<EndpointSlice>*>(r)->ref_kind == "Pod")
                                                      return;
                                                  endpoint(r).pod_name.clear();
                                                  endpoint(r).pod_ns = {};
                                              }}};

// The fields below an object's root, one specialisation a kind.
template <class T>
constexpr JsonNode kMeta = {.name = "metadata", .shape = Shape::object, .children = kMetaFields<T>};
template <class T>
constexpr JsonNode kStatusCode = {.name = "code", .shape = Shape::integer, .set = [](void* r, const JsonValue& v) {
                                      static_cast<Reading<T>*>(r)->status.code = v.integer;
                                  }};
template <class T>
constexpr JsonNode kStatusMessage = {.name = "message", .set = [](void* r, const JsonValue& v) {
                                         static_cast<Reading<T>*>(r)->status.message = v.text;
                                     }};
template <class T>
constexpr JsonNode kStatusReason = {
    .name = "reason", .set = [](void* r, const JsonValue& v) { static_cast<Reading<T>*>(r)->status.reason = v.text; }};

template <class T>
constexpr JsonNode kFields[] = {kMeta<T>, kStatusCode<T>, kStatusMessage<T>, kStatusReason<T>};

template <>
inline constexpr JsonNode kFields<Service>[] = {
    kMeta<Service>,
    {.name = "spec", .shape = Shape::object, .children = kServiceSpecFields},
    {.name = "status", .shape = Shape::object, .children = kServiceStatusFields},
    kStatusCode<Service>,
    kStatusMessage<Service>,
    kStatusReason<Service>};

template <>
inline constexpr JsonNode kFields<EndpointSlice>[] = {
    kMeta<EndpointSlice>,
    {.name = "addressType", .set = [](void* r, const JsonValue& v) { object<EndpointSlice>(r).address_type = v.text; }},
    {.name = "ports",
     .shape = Shape::list,
     .set = [](void* r, const JsonValue&) { object<EndpointSlice>(r).ports.clear(); },
     .children = kSlicePort},
    {.name = "endpoints",
     .shape = Shape::list,
     .set = [](void* r, const JsonValue&) { object<EndpointSlice>(r).endpoints.clear(); },
     .children = kEndpoint},
    kStatusCode<EndpointSlice>,
    kStatusMessage<EndpointSlice>,
    kStatusReason<EndpointSlice>};

}  // namespace steelyard::kube::schema
