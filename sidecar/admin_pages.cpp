#include "sidecar/admin_pages.hpp"

#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "common/config/codec.hpp"
#include "sidecar/upstream/ejection.hpp"
#include "sidecar/upstream/slow_start.hpp"

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

const char* distance_name(Distance distance) {
    return distance == Distance::same_node ? "same-node" : distance == Distance::same_zone ? "same-zone" : "elsewhere";
}

nlohmann::json host_json(const SnapshotHost& entry, const config::Policy& policy) {
    const Host& host = *entry.host;
    const int64_t now = steady_ms(Clock::now());
    const uint32_t warm = policy.slow_start ? warm_percent(*policy.slow_start, host.warm_since_ms, now) : 100;
    return {{"address", host.id()},
            {"weight", entry.weight},
            {"warm_percent", warm},
            {"priority", entry.priority},
            {"state", entry.draining ? "draining" : "ready"},
            {"health", health_name(host.health.load())},
            {"ejected", is_ejected(host, now)},
            {"active", host.active.load()},
            {"connections", host.connections.load()},
            {"requests", host.requests.load()},
            {"failures", host.failures.load()},
            {"response_us", host.response.last_us()},
            {"zone", entry.zone},
            {"node", entry.node},
            {"distance", distance_name(entry.distance)}};
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
    append(image.virtual_ips);
    return out + "]}\n";
}

std::string upstreams_page(const Runtime& runtime, const std::vector<push::RefusedWant>& refused) {
    nlohmann::json upstreams = nlohmann::json::array();
    for (const auto& [name, snapshot] : runtime.upstreams()) {
        nlohmann::json hosts = nlohmann::json::array();
        for (const auto& host : snapshot->hosts) hosts.push_back(host_json(host, snapshot->policy));
        upstreams.push_back({{"name", name},
                             {"algorithm", std::string(config::to_string(snapshot->policy.algorithm))},
                             {"protocol", std::string(config::to_string(snapshot->protocol))},
                             {"locality", std::string(config::to_string(snapshot->policy.locality.mode))},
                             {"hosts", std::move(hosts)}});
    }
    nlohmann::json listeners = nlohmann::json::array();
    for (const auto& [name, bound] : runtime.listeners()) {
        listeners.push_back({{"name", name},
                             {"address", bound.address},
                             {"port", bound.port},
                             {"upstream", bound.upstream},
                             {"transport", bound.udp ? "udp" : "tcp"},
                             {"resolved", bound.resolved}});
    }
    for (const auto& [name, failed] : runtime.failed_listeners()) {
        listeners.push_back({{"name", name},
                             {"address", failed.address},
                             {"port", failed.port},
                             {"upstream", failed.upstream},
                             {"transport", failed.udp ? "udp" : "tcp"},
                             {"problem", failed.problem}});
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
    page["place"] = {{"node", runtime.place().node}, {"zone", runtime.place().zone}};
    return page.dump(2) + "\n";
}

std::string virtual_ips_page(const edge::Agent& agent) {
    nlohmann::json told = nlohmann::json::parse(vip::encode_config(agent.plan()), nullptr, false);
    nlohmann::json routers = nlohmann::json::array();
    for (const auto& report : agent.reports()) {
        routers.push_back({{"router_id", report.router_id},
                           {"family", report.ipv6 ? "ipv6" : "ipv4"},
                           {"addresses", report.addresses},
                           {"interface", report.interface},
                           {"state", std::string(push::to_string(report.state))},
                           {"conflicts", report.conflicts},
                           {"splits", report.splits},
                           {"problem", report.problem}});
    }
    nlohmann::json leases = nlohmann::json::array();
    const TimePoint now = Clock::now();
    for (const auto& [id, lease] : agent.claims().leases()) {
        leases.push_back({{"router_id", id},
                          {"wanted", lease.want.has_value()},
                          {"held", lease.held(now)},
                          {"seconds", lease.held(now) ? std::chrono::duration<double>(lease.until - now).count() : 0.0},
                          {"holder", lease.holder},
                          {"wanted_by", lease.wanted_by},
                          {"problem", lease.problem}});
    }
    const nlohmann::json page{{"node", agent.options().node}, {"told", std::move(told["routers"])},
                              {"left_out", agent.problems()}, {"state", std::move(routers)},
                              {"leases", std::move(leases)},  {"silent", agent.stats().silent}};
    return page.dump(2) + "\n";
}

}  // namespace steelyard
