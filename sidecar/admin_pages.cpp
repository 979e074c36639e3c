#include "sidecar/admin_pages.hpp"

#include <nlohmann/json.hpp>

#include "common/config/codec.hpp"

namespace steelyard {
namespace {

const char* health_name(Health health) {
    switch (health) {
        case Health::up:
            return "up";
        case Health::down:
            return "down";
        case Health::unknown:
            break;
    }
    return "unknown";
}

nlohmann::json host_json(const SnapshotHost& entry) {
    const Host& host = *entry.host;
    return {{"address", host.id()},
            {"weight", entry.weight},
            {"state", entry.draining ? "draining" : "ready"},
            {"health", health_name(host.health.load())},
            {"active", host.active.load()},
            {"requests", host.requests.load()},
            {"failures", host.failures.load()},
            {"response_us", host.response.last_us()},
            {"zone", entry.zone},
            {"node", entry.node}};
}

}  // namespace

std::string config_page(const config::ConfigState& state) {
    const auto image = state.image();
    std::string out = "{\"version\":";
    config::append_json_string(out, image.version);
    out += ",\"resources\":[";
    const char* separator = "";
    const auto append = [&](const auto& resources) {
        for (const auto& resource : resources) {
            out += separator;
            config::append_json(out, *resource);
            separator = ",\n";
        }
    };
    append(image.listeners);
    append(image.upstreams);
    append(image.slices);
    return out + "]}\n";
}

std::string upstreams_page(const Runtime& runtime, const std::vector<push::RefusedWant>& refused) {
    nlohmann::json upstreams = nlohmann::json::array();
    for (const auto& [name, snapshot] : runtime.upstreams()) {
        nlohmann::json hosts = nlohmann::json::array();
        for (const auto& host : snapshot->hosts) hosts.push_back(host_json(host));
        upstreams.push_back({{"name", name},
                             {"algorithm", std::string(config::to_string(snapshot->policy.algorithm))},
                             {"protocol", std::string(config::to_string(snapshot->protocol))},
                             {"hosts", std::move(hosts)}});
    }
    nlohmann::json listeners = nlohmann::json::array();
    for (const auto& [name, bound] : runtime.listeners()) {
        listeners.push_back({{"name", name},
                             {"address", bound.address},
                             {"port", bound.port},
                             {"upstream", bound.upstream},
                             {"resolved", bound.resolved}});
    }
    nlohmann::json page{{"upstreams", std::move(upstreams)}, {"listeners", std::move(listeners)}};
    if (const uint16_t port = runtime.capture_options().port; port != 0) {
        page["capture"] = {{"port", port},
                           {"addresses", runtime.capture().table()->size()},
                           {"upstreams", runtime.capture().demanded()}};
    }
    nlohmann::json refusals = nlohmann::json::array();
    for (const auto& want : refused) refusals.push_back({{"name", want.name}, {"problem", want.problem}});
    page["refused"] = std::move(refusals);
    return page.dump(2) + "\n";
}

}  // namespace steelyard
