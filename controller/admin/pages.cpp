#include "controller/admin/pages.hpp"

#include <nlohmann/json.hpp>

namespace steelyard {

using nlohmann::json;

std::string proxies_page(const push::ServerStats& stats) {
    json proxies = json::array();
    for (const auto& proxy : stats.proxies) {
        json errors = json::array();
        for (const auto& error : proxy.nack_errors)
            errors.push_back({{"path", error.where}, {"problem", error.problem}});
        proxies.push_back({{"name", proxy.name},
                           {"role", proxy.role},
                           {"node", proxy.node},
                           {"zone", proxy.zone},
                           {"address", proxy.address},
                           {"namespace", proxy.ns},
                           {"service_account", proxy.service_account},
                           {"pod", proxy.pod},
                           {"refused_wants", proxy.refused_wants},
                           {"acked_version", proxy.acked_version},
                           {"in_sync", !proxy.behind},
                           {"wants", proxy.everything ? json("*") : json(proxy.wants)},
                           {"snapshots", proxy.snapshots},
                           {"deltas", proxy.deltas},
                           {"nacks", proxy.nacks},
                           {"refused", {{"version", proxy.nacked_version}, {"errors", std::move(errors)}}},
                           {"last_ack_seconds", proxy.last_ack_seconds},
                           {"connected_unix_ms", proxy.connected_unix_ms}});
    }
    return json{{"version", stats.version}, {"ready", stats.ready}, {"proxies", std::move(proxies)}}.dump(
               2, ' ', false, json::error_handler_t::replace) +
           "\n";
}

std::string problems_page(const std::vector<translate::ServiceProblems>& services,
                          const std::vector<translate::PolicyStatus>& policies) {
    json result = json::array();
    for (const auto& [service, problems] : services) {
        json list = json::array();
        for (const auto& problem : problems) list.push_back({{"reason", problem.reason}, {"message", problem.message}});
        result.push_back({{"service", service.ns + "/" + service.name}, {"problems", std::move(list)}});
    }
    json refused = json::array();
    for (const auto& status : policies) {
        const auto& accepted = *status.accepted();
        if (accepted.status) continue;
        refused.push_back(
            {{"policy", status.policy.to_string()}, {"reason", accepted.reason}, {"message", accepted.message}});
    }
    return json{{"services", std::move(result)}, {"policies", std::move(refused)}}.dump(
               2, ' ', false, json::error_handler_t::replace) +
           "\n";
}

}  // namespace steelyard
