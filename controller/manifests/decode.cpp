#include "controller/manifests/decode.hpp"

#include <array>
#include <utility>

#include "controller/kube/decode.hpp"
#include "controller/manifests/validate.hpp"
#include "controller/manifests/yaml_value.hpp"

namespace steelyard::manifests {
namespace {

using Ref = YamlTree::Ref;

void read_meta(const Fields& root, kube::ObjectMeta& meta, std::string* service_name) {
    const Path path = root.path() / "metadata";
    const Fields fields(root.field("metadata"), path, root.problems(), root.budget());
    meta.ns = "default";
    fields.text("namespace", meta.ns);
    fields.text("name", meta.name);
    fields.entries("annotations", [&](std::string_view name, Ref value, const Path& at) {
        if (!name.starts_with(kube::kAnnotationPrefix)) return;
        std::string text;
        fields.text_of(value, at, text);
        meta.annotations.emplace(name, std::move(text));
    });
    if (service_name == nullptr) return;
    fields.entries("labels", [&](std::string_view name, Ref value, const Path& at) {
        if (name == kube::kServiceNameLabel) fields.text_of(value, at, *service_name);
    });
}

using Labels = std::map<std::string, std::string, std::less<>>;

void read_labels(const Fields& root, Labels& labels) {
    const Path path = root.path() / "metadata";
    const Fields meta(root.field("metadata"), path, root.problems(), root.budget());
    meta.entries("labels", [&](std::string_view name, Ref value, const Path& at) {
        std::string text;
        meta.text_of(value, at, text);
        labels.emplace(name, std::move(text));
    });
}

void read_spec(const Fields& root, kube::Service& service) {
    const Path path = root.path() / "spec";
    const Fields spec(root.field("spec"), path, root.problems(), root.budget());
    spec.text("type", service.type);
    spec.text("clusterIP", service.cluster_ip);
    spec.each("clusterIPs", [&](Ref value, const Path& at) {
        std::string ip;
        spec.text_of(value, at, ip);
        if (!ip.empty()) service.cluster_ips.push_back(std::move(ip));
    });
    spec.text("externalName", service.external_name);
    spec.text("sessionAffinity", service.session_affinity);
    spec.text("trafficDistribution", service.traffic_distribution);
    const Path config_path = path / "sessionAffinityConfig";
    const Fields config(spec.field("sessionAffinityConfig"), config_path, root.problems(), root.budget());
    const Path client_path = config_path / "clientIP";
    Fields(config.field("clientIP"), client_path, root.problems(), root.budget())
        .whole("timeoutSeconds", service.session_affinity_timeout_seconds);
    spec.each("ports", [&](Ref node, const Path& at) {
        const Fields fields(node, at, root.problems(), root.budget());
        kube::ServicePort& port = service.ports.emplace_back();
        fields.text("name", port.name);
        fields.whole("port", port.port);
        fields.whole_or_text("targetPort", port.target_port);
        fields.text("protocol", port.protocol);
        fields.text("appProtocol", port.app_protocol);
    });
}

void read_slice_port(const Fields& fields, kube::SlicePort& port) {
    fields.text("name", port.name);
    fields.whole("port", port.port);
    fields.text("protocol", port.protocol);
    fields.text("appProtocol", port.app_protocol);
}

void read_target(const Fields& endpoint, const std::string& ns, kube::SliceEndpoint& out) {
    const Path path = endpoint.path() / "targetRef";
    const Fields target(endpoint.field("targetRef"), path, endpoint.problems(), endpoint.budget());
    std::string kind;
    target.text("kind", kind);
    if (kind != "Pod") return;
    std::string pod_ns = ns;
    target.text("namespace", pod_ns);
    target.text("name", out.pod_name);
    if (!out.pod_name.empty()) out.pod_ns = pod_ns;
}

void read_endpoint(const Fields& fields, const std::string& ns, kube::SliceEndpoint& out) {
    fields.each("addresses", [&](Ref value, const Path& at) {
        if (out.address.empty()) fields.text_of(value, at, out.address);
    });
    const Path conditions_path = fields.path() / "conditions";
    const Fields conditions(fields.field("conditions"), conditions_path, fields.problems(), fields.budget());
    conditions.truth("ready", out.ready);
    conditions.truth("serving", out.serving);
    conditions.truth("terminating", out.terminating);
    std::string text;
    fields.text("zone", text);
    out.zone = std::exchange(text, {});
    fields.text("nodeName", text);
    out.node_name = text;
    read_target(fields, ns, out);
}

void read_texts(const Fields& fields, std::string_view name, std::vector<std::string>& out) {
    fields.each(name, [&](Ref value, const Path& at) { fields.text_of(value, at, out.emplace_back()); });
}

// What only a Service of type LoadBalancer has; its status too, for there is nobody else here who could give it an address.
void read_balancer(const Fields& root, kube::LoadBalancer& balancer) {
    read_labels(root, balancer.labels);
    const Path spec_path = root.path() / "spec";
    const Fields spec(root.field("spec"), spec_path, root.problems(), root.budget());
    spec.text("loadBalancerClass", balancer.load_balancer_class);
    spec.text("loadBalancerIP", balancer.load_balancer_ip);
    read_texts(spec, "loadBalancerSourceRanges", balancer.source_ranges);
    spec.text("externalTrafficPolicy", balancer.external_traffic_policy);
    read_texts(spec, "ipFamilies", balancer.ip_families);
    spec.text("ipFamilyPolicy", balancer.ip_family_policy);
    const Path status_path = root.path() / "status";
    const Fields status(root.field("status"), status_path, root.problems(), root.budget());
    const Path path = status_path / "loadBalancer";
    const Fields given(status.field("loadBalancer"), path, root.problems(), root.budget());
    given.each("ingress", [&](Ref node, const Path& at) {
        const Fields fields(node, at, root.problems(), root.budget());
        kube::Ingress& ingress = balancer.ingress.emplace_back();
        fields.text("ip", ingress.ip);
        fields.text("hostname", ingress.hostname);
        fields.text("ipMode", ingress.ip_mode);
    });
}

kube::Service read_service(const Fields& root) {
    kube::Service service;
    read_meta(root, service.meta, nullptr);
    read_spec(root, service);
    if (service.type == "LoadBalancer") read_balancer(root, service.balancer.make());
    return service;
}

kube::EndpointSlice read_slice(const Fields& root) {
    kube::EndpointSlice slice;
    read_meta(root, slice.meta, &slice.service_name);
    root.text("addressType", slice.address_type);
    root.each("ports", [&](Ref node, const Path& at) {
        read_slice_port(Fields(node, at, root.problems(), root.budget()), slice.ports.emplace_back());
    });
    root.each("endpoints", [&](Ref node, const Path& at) {
        read_endpoint(Fields(node, at, root.problems(), root.budget()), slice.meta.ns, slice.endpoints.emplace_back());
    });
    return slice;
}

kube::Pod read_pod(const Fields& root) {
    kube::Pod pod;
    read_meta(root, pod.meta, nullptr);
    return pod;
}

kube::Node read_node(const Fields& root) {
    kube::Node node;
    read_meta(root, node.meta, nullptr);
    node.meta.ns.clear();  // of no use in a kind that is cluster-scoped
    read_labels(root, node.labels);
    return node;
}

// An object of a kind of steelyard.dev. A field that is not known is refused: nobody has pruned it, and nobody else will say that it
// is misspelt.
template <class T>
T read_own(const Fields& root, T (*decode)(const nlohmann::json& object, policy::Unknown unknown)) {
    auto value =
        YamlValue<nlohmann::json>(root.budget().fields, "the file holds more values than one may").read(root.node());
    if (!value) {
        root.problems().push_back(value.error());
        return {};
    }
    T object = decode(*value, policy::Unknown::refuse);
    for (Error& problem : std::exchange(object.problems, {})) {
        if (root.problems().size() < kube::kMaxProblems) root.problems().push_back(std::move(problem));
    }
    return object;
}

// Nobody keeps a status in a file.
kube::LoadBalancingPolicy read_policy(const Fields& root) {
    auto policy = read_own(root, kube::decode_policy);
    if (policy.meta.ns.empty()) policy.meta.ns = "default";
    policy.conditions.clear();
    return policy;
}

kube::AddressPool read_pool(const Fields& root) {
    auto pool = read_own(root, kube::decode_pool);
    pool.judged.conditions.clear();
    pool.counts.reset();
    return pool;
}

kube::VirtualIPAdvertisement read_advertisement(const Fields& root) {
    auto advertisement = read_own(root, kube::decode_advertisement);
    advertisement.judged.conditions.clear();
    return advertisement;
}

struct Known {
    std::string_view kind;
    std::string_view api_version;
    Object (*read)(const Fields& root);  // nullptr: a list of others
};

constexpr std::array<Known, 15> kKnown{{
    {"Service", "v1", [](const Fields& root) { return Object(read_service(root)); }},
    {"EndpointSlice", "discovery.k8s.io/v1", [](const Fields& root) { return Object(read_slice(root)); }},
    {"Pod", "v1", [](const Fields& root) { return Object(read_pod(root)); }},
    {policy::kKind, policy::kApiVersion, [](const Fields& root) { return Object(read_policy(root)); }},
    {loadbalancer::kPoolKind, policy::kApiVersion, [](const Fields& root) { return Object(read_pool(root)); }},
    {loadbalancer::kAdvertisementKind, policy::kApiVersion,
     [](const Fields& root) { return Object(read_advertisement(root)); }},
    {"Node", "v1", [](const Fields& root) { return Object(read_node(root)); }},
    {"List", "v1", nullptr},
    {"ServiceList", "v1", nullptr},
    {"EndpointSliceList", "discovery.k8s.io/v1", nullptr},
    {"PodList", "v1", nullptr},
    {"NodeList", "v1", nullptr},
    {"LoadBalancingPolicyList", policy::kApiVersion, nullptr},
    {"AddressPoolList", policy::kApiVersion, nullptr},
    {"VirtualIPAdvertisementList", policy::kApiVersion, nullptr},
}};

bool is_cluster_scoped(std::string_view kind) {
    return kind == loadbalancer::kPoolKind || kind == loadbalancer::kAdvertisementKind || kind == "Node";
}

class Decoder {
public:
    explicit Decoder(const DecodeOptions& options) : options_(options), budget_(options.budget) {}

    void document(Ref root, size_t number) {
        if (root.is_null()) return;  // "---" with nothing after it, or comments only
        object(root, Place{number, 0, {}, {}}, {});
    }
    bool exhausted() const { return budget_.fields == 0 || decoded_.objects.size() > options_.max_objects; }
    Decoded take() { return std::move(decoded_); }

private:
    // `implied`: the kind of a typed list's items, which need not repeat it.
    void object(Ref root, Place place, const Known* implied) {
        const Path path;
        kube::Problems problems;
        const Fields fields(root, path, problems, budget_);
        std::string kind;
        std::string api_version;
        fields.text("kind", kind);
        fields.text("apiVersion", api_version);
        if (implied != nullptr && kind.empty() && api_version.empty()) {
            kind = implied->kind;
            api_version = implied->api_version;
        }
        place.kind = kind;
        place.key = key_of(root);
        if (is_cluster_scoped(kind)) place.key.ns.clear();
        const Known* known = kind.empty() && problems.empty() ? nullptr : find(kind);
        if (kind.empty() && problems.empty()) add_problem(problems, path / "kind", "is missing");
        if (known != nullptr && problems.empty() && api_version != known->api_version) {
            add_problem(problems, path / "apiVersion",
                        "'" + config::shown(api_version) + "' of " + kind + " is not read, only " +
                            std::string(known->api_version));
        }
        if (!problems.empty()) return fault(place, problems);
        if (known == nullptr) {
            ++decoded_.passed_over;
        } else if (known->read == nullptr) {
            items(fields, *known, place);
        } else {
            Object read = known->read(fields);
            deliver(std::move(read), place, std::move(problems));
        }
    }

    void items(const Fields& list, const Known& known, const Place& place) {
        if (place.item != 0) {
            add_problem(list.problems(), list.path(), "a list within a list is not read");
            return fault(place, list.problems());
        }
        const Known* implied = find(known.kind.substr(0, known.kind.size() - std::string_view("List").size()));
        size_t number = 0;
        list.each("items", [&](Ref item, const Path&) {
            ++number;
            if (!exhausted()) object(item, Place{place.document, number, {}, {}}, implied);
        });
        fault(place, list.problems());
    }

    void deliver(Object object, Place place, kube::Problems problems) {
        if (!meta_of(object).name.empty()) place.key = meta_of(object).key();
        if (options_.as_api_server) {
            if (problems.empty()) std::visit([&](const auto& o) { validate(o, problems); }, object);
            if (!problems.empty()) return fault(place, problems);
        } else {
            std::visit([&](auto& o) { o.problems = std::move(problems); }, object);
        }
        decoded_.objects.push_back({std::move(object), std::move(place)});
    }

    void fault(const Place& place, const kube::Problems& problems) {
        for (const Error& problem : problems) decoded_.faults.push_back({place, problem});
    }

    // For messages, as far as it can be told.
    static kube::ObjectKey key_of(Ref root) {
        const Ref meta = root.find("metadata");
        const Ref ns = meta.find("namespace");
        return {std::string(ns.is_null() ? std::string_view("default") : ns.text()),
                std::string(meta.find("name").text())};
    }
    static const Known* find(std::string_view kind) {
        for (const Known& known : kKnown) {
            if (known.kind == kind) return &known;
        }
        return nullptr;
    }

    const DecodeOptions& options_;
    Budget budget_;
    Decoded decoded_;
};

}  // namespace

std::string_view kind_of(const Object& object) { return kKinds[object.index()]; }

const kube::ObjectMeta& meta_of(const Object& object) {
    return std::visit([](const auto& o) -> const kube::ObjectMeta& { return o.meta; }, object);
}

std::string Place::to_string() const {
    std::string text = "document " + std::to_string(document);
    if (item != 0) text += ", item " + std::to_string(item);
    if (kind.empty()) return text;
    text += " (" + config::shown(kind);
    if (!key.name.empty()) text += " " + (key.ns.empty() ? "" : config::shown(key.ns) + "/") + config::shown(key.name);
    return text + ")";
}

Result<Decoded> decode_manifest(std::string_view text, const DecodeOptions& options) {
    const Result<YamlTree> tree = YamlTree::parse(text, options.yaml);
    if (!tree) return tree.error();
    Decoder decoder(options);
    for (size_t i = 0; i < tree->size(); ++i) {
        decoder.document(tree->document(i), i + 1);
        if (decoder.exhausted()) {
            return Error{
                "document " + std::to_string(i + 1),
                "holds (aliases counted each time) more than one file may: " + std::to_string(options.budget.fields) +
                    " values, " + std::to_string(options.max_objects) + " objects"};
        }
    }
    return decoder.take();
}

}  // namespace steelyard::manifests
