#include "controller/certs/publisher.hpp"

#include "common/json/read.hpp"
#include "common/log.hpp"
#include "controller/certs/secret.hpp"

namespace steelyard::certs {
namespace {

using kube::ApiErrorKind;
using nlohmann::json;

constexpr const char* kKey = "ca.crt";

Error failed(const std::string& what, const char* verb, const kube::ApiError& error) {
    return {what, std::string("cannot be ") + verb + ": " + error.to_string() + "; trying again"};
}

}  // namespace

Result<void> Publisher::config_map(const std::string& name, const std::string& bundle, const std::stop_token& stop) {
    const std::string collection = "/api/v1/namespaces/" + ns_ + "/configmaps";
    const std::string what = "ConfigMap " + ns_ + "/" + name;
    auto found = client_.get(collection + "/" + name, stop);
    if (!found && found.error().kind != ApiErrorKind::not_found) return failed(what, "read", found.error());
    if (!found) {
        const json made = {{"apiVersion", "v1"},
                           {"kind", "ConfigMap"},
                           {"metadata", {{"name", name}, {"namespace", ns_}}},
                           {"data", {{kKey, bundle}}}};
        auto created = client_.create(collection, made.dump(), stop);
        if (!created) return failed(what, "made", created.error());
        log::info("certificates: made {}", what);
        return {};
    }
    json object = parse_json(*found);
    if (!object.is_object()) return Error{what, "the API server's answer is no object; trying again"};
    if (text_of(object_of(object, "data"), kKey) == bundle) return {};
    json& data = object["data"];
    if (!data.is_object()) data = json::object();
    data[kKey] = bundle;
    auto replaced = client_.replace(collection + "/" + name, object.dump(), stop);
    if (!replaced) return failed(what, "written", replaced.error());
    log::info("certificates: {} holds the CA bundle", what);
    return {};
}

Result<void> Publisher::webhooks(const std::string& name, const std::string& bundle, const std::stop_token& stop) {
    const std::string target = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/" + name;
    const std::string what = "MutatingWebhookConfiguration " + name;
    auto found = client_.get(target, stop);
    if (!found && found.error().kind == ApiErrorKind::not_found) return {};
    if (!found) return failed(what, "read", found.error());
    const json object = parse_json(*found);
    if (!object.is_object()) return Error{what, "the API server's answer is no object; trying again"};
    const std::string encoded = base64(bundle);
    json operations = json::array();
    const auto& webhooks = list_of(object, "webhooks");
    for (size_t i = 0; i < webhooks.size(); ++i) {
        const json* config = member(webhooks[i], "clientConfig");
        if (config == nullptr || !config->is_object() || text_of(*config, "caBundle") == encoded) continue;
        operations.push_back(
            {{"op", "add"}, {"path", "/webhooks/" + std::to_string(i) + "/clientConfig/caBundle"}, {"value", encoded}});
    }
    if (operations.empty()) return {};
    const json unchanged = {{"op", "test"},
                            {"path", "/metadata/resourceVersion"},
                            {"value", text_of(object_of(object, "metadata"), "resourceVersion")}};
    operations.insert(operations.begin(), unchanged);
    auto patched = client_.patch(target, operations.dump(), kube::kJsonPatch, stop);
    if (!patched) return failed(what, "patched", patched.error());
    log::info("certificates: {} trusts the CA bundle", what);
    return {};
}

}  // namespace steelyard::certs
