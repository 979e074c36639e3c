#include "controller/loadbalancer/spec.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "controller/policy/reader.hpp"

namespace steelyard::loadbalancer {
namespace {

using nlohmann::json;
using policy::Context;
using policy::Object;
using policy::Path;

constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxSubdomain = 253;
constexpr size_t kMaxInterfaceName = 15;  // IFNAMSIZ without its end
constexpr size_t kMaxAddressText = 91;    // a range of two IPv6 addresses, written in full
constexpr uint64_t kIntervalStep = 10;
constexpr config::Range kIntervalRange{10, 40'950, "a number of milliseconds"};
constexpr config::Range kDelayRange{0, 3'600'000, "a number of milliseconds"};
constexpr config::Range kLeaseRange{1'000, 60'000, "a number of milliseconds"};
constexpr uint64_t kLeaseStep = 1000;
constexpr config::Range kRouterIdRange{1, 255, "a virtual router ID"};

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// A DNS name (RFC 1123): names of nodes, namespaces and pools.
bool is_name(std::string_view text) {
    const auto inner = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
    return !text.empty() && text.size() <= kMaxSubdomain && std::all_of(text.begin(), text.end(), inner) &&
           is_alphanumeric(text.front()) && is_alphanumeric(text.back());
}

bool is_label_value(std::string_view text) {
    const auto inner = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; };
    return text.empty() || (text.size() <= kMaxLabel && std::all_of(text.begin(), text.end(), inner) &&
                            is_alphanumeric(text.front()) && is_alphanumeric(text.back()));
}

// "app", "example.com/app"
bool is_label_key(std::string_view text) {
    const size_t slash = text.find('/');
    const std::string_view name = slash == std::string_view::npos ? text : text.substr(slash + 1);
    return !name.empty() && is_label_value(name) && (slash == std::string_view::npos || is_name(text.substr(0, slash)));
}

// A name of an interface, or a pattern of one. Source: dev_valid_name() of Linux.
bool is_interface(std::string_view text) {
    const auto inner = [](char c) { return c > ' ' && c <= '~' && c != '/' && c != ':'; };
    return !text.empty() && text.size() <= kMaxInterfaceName && std::all_of(text.begin(), text.end(), inner);
}

bool is_address_text(std::string_view text) {
    const auto inner = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' || c == ':' ||
               c == '/' || c == '-';
    };
    return !text.empty() && text.size() <= kMaxAddressText && std::all_of(text.begin(), text.end(), inner);
}

using Check = bool (*)(std::string_view text);

// A list of texts of which none is there twice.
std::vector<std::string> read_texts(const Object& object, const char* name, size_t least, size_t most, Check check,
                                    const char* what) {
    std::vector<std::string> out;
    object.each(name, least, most, [&](const json& value, const Path& at) {
        std::string text;
        if (!policy::text_of(value, at, object.context(), text)) return;
        if (!check(text)) {
            object.context().problems.add(at, "'" + config::shown(text) + "' is not " + what);
        } else if (std::find(out.begin(), out.end(), text) != out.end()) {
            object.context().problems.add(at, "'" + config::shown(text) + "' is named before it as well");
        } else {
            out.push_back(std::move(text));
        }
    });
    return out;
}

LabelSelector::Expression read_expression(const json& value, const Path& path, Context& context) {
    using Operator = LabelSelector::Operator;
    const Object object(value, path, context, {"key", "operator", "values"});
    LabelSelector::Expression out;
    if (object.required_text("key", out.key) && !is_label_key(out.key))
        object.wrong("key", "'" + config::shown(out.key) + "' is not the key of a label");
    object.require("operator", "");
    const bool known = object.choice("operator",
                                     {{"In", Operator::in},
                                      {"NotIn", Operator::not_in},
                                      {"Exists", Operator::exists},
                                      {"DoesNotExist", Operator::does_not_exist}},
                                     out.op);
    out.values = read_texts(object, "values", 0, kMaxValues, is_label_value, "the value of a label");
    const bool compares = out.op == Operator::in || out.op == Operator::not_in;
    if (known && compares && !object.has("values"))
        object.wrong("values", "is missing: In and NotIn compare with them");
    if (known && compares && object.has("values") && out.values.empty())
        object.wrong("values", "has no value to compare with");
    if (known && !compares && !out.values.empty()) object.wrong("values", "belongs to the operators In and NotIn");
    return out;
}

LabelSelector read_selector(const json& value, const Path& path, Context& context) {
    const Object object(value, path, context, {"matchLabels", "matchExpressions"});
    LabelSelector out;
    if (const json* labels = object.find("matchLabels")) {
        const Path at = path / "matchLabels";
        if (!labels->is_object()) {
            context.problems.add(at, "is " + config::type_of(*labels) + ", not an object");
        } else if (labels->size() > kMaxValues) {
            context.problems.add(at, "has " + std::to_string(labels->size()) + " labels; at most " +
                                         std::to_string(kMaxValues) + " are allowed");
        } else {
            for (const auto& [key, wanted] : labels->items()) {
                const std::string name = config::shown(key);
                if (!is_label_key(key)) context.problems.add(at / name, "is not the key of a label");
                std::string text;
                if (!policy::text_of(wanted, at / name, context, text)) continue;
                if (!is_label_value(text))
                    context.problems.add(at / name, "'" + config::shown(text) + "' is not the value of a label");
                out.labels.emplace(key, std::move(text));
            }
        }
    }
    object.each("matchExpressions", 0, kMaxExpressions,
                [&](const json& one, const Path& at) { out.expressions.push_back(read_expression(one, at, context)); });
    return out;
}

PoolSpec read(const Object& object, PoolSpec spec) {
    object.require("addresses", ": a pool has at least one range");
    spec.addresses = read_texts(object, "addresses", 1, kMaxRanges, is_address_text,
                                "a range of addresses (such as 192.0.2.0/28, 192.0.2.10-192.0.2.20 or 2001:db8::/120)");
    object.truth("autoAssign", spec.auto_assign);
    spec.namespaces = read_texts(object, "namespaces", 0, kMaxNamespaces, is_name, "the name of a namespace");
    if (const json* selector = object.find("serviceSelector"))
        spec.services = read_selector(*selector, object.path() / "serviceSelector", object.context());
    return spec;
}

void read_router_ids(const json& value, const Path& path, Context& context, AdvertisementSpec& spec) {
    const Object object(value, path, context, {"first", "last"});
    object.whole("first", kRouterIdRange, spec.first_router_id);
    object.whole("last", kRouterIdRange, spec.last_router_id);
    if (spec.first_router_id > spec.last_router_id)
        object.wrong("last", std::to_string(spec.last_router_id) + " comes before first");
}

void read_vrrp(const json& value, const Path& path, Context& context, AdvertisementSpec& spec) {
    const Object object(
        value, path, context,
        {"advertisementInterval", "preempt", "preemptDelay", "acceptMode", "virtualRouterIDs", "unicastPeers"});
    object.duration("advertisementInterval", kIntervalRange, spec.advertisement_interval_ms);
    if (spec.advertisement_interval_ms % kIntervalStep != 0)
        object.wrong("advertisementInterval", "is not a multiple of 10ms, the unit of VRRP");
    object.duration("preemptDelay", kDelayRange, spec.preempt_delay_ms);
    object.truth("preempt", spec.preempt);
    object.truth("acceptMode", spec.accept);
    if (const json* ids = object.find("virtualRouterIDs"))
        read_router_ids(*ids, path / "virtualRouterIDs", context, spec);
    spec.peers = read_texts(object, "unicastPeers", 0, kMaxPeers, is_address_text, "an IP address");
}

void read_lease(const json& value, const Path& path, Context& context, AdvertisementSpec& spec) {
    const Object object(value, path, context, {"duration"});
    object.duration("duration", kLeaseRange, spec.lease_duration_ms);
    if (spec.lease_duration_ms % kLeaseStep != 0)
        object.wrong("duration", "is not a number of whole seconds, which a Lease counts in");
}

AdvertisementSpec read(const Object& object, AdvertisementSpec spec) {
    spec.pools = read_texts(object, "addressPools", 0, kMaxPools, is_name, "the name of an AddressPool");
    spec.interfaces = read_texts(object, "interfaces", 0, kMaxInterfaces, is_interface,
                                 "the name of an interface, or a pattern with * (at most 15 characters)");
    spec.nodes = read_texts(object, "nodes", 0, kMaxNodes, is_name, "the name of a node");
    if (const json* selector = object.find("nodeSelector"))
        spec.node_selector = read_selector(*selector, object.path() / "nodeSelector", object.context());
    object.choice("election", {{"VRRP", false}, {"Lease", true}}, spec.by_lease);
    if (const json* lease = object.find("lease")) read_lease(*lease, object.path() / "lease", object.context(), spec);
    if (const json* vrrp = object.find("vrrp")) read_vrrp(*vrrp, object.path() / "vrrp", object.context(), spec);
    return spec;
}

template <class Spec>
Reading<Spec> read_any(const json& value, policy::Unknown unknown, bool required,
                       std::initializer_list<std::string_view> known) {
    Context context;
    context.unknown = unknown;
    const Path root;
    const Path path = root / "spec";
    Reading<Spec> reading;
    if (value.is_null()) {
        if (required) context.problems.add(path, "is missing");
    } else {
        const Object object(value, path, context, known);
        if (value.is_object()) reading.spec = read(object, Spec{});
    }
    reading.problems = context.problems.errors();
    reading.ignored = std::move(context.ignored);
    return reading;
}

}  // namespace

Reading<PoolSpec> read_pool(const json& spec, policy::Unknown unknown) {
    return read_any<PoolSpec>(spec, unknown, true, {"addresses", "autoAssign", "namespaces", "serviceSelector"});
}

Reading<AdvertisementSpec> read_advertisement(const json& spec, policy::Unknown unknown) {
    return read_any<AdvertisementSpec>(
        spec, unknown, false, {"addressPools", "interfaces", "nodes", "nodeSelector", "election", "lease", "vrrp"});
}

}  // namespace steelyard::loadbalancer
