#include "controller/status/patch.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace steelyard::status {
namespace {

using kube::Condition;
using nlohmann::json;

const Condition* find(const std::vector<Condition>& conditions, const std::string& type) {
    const auto found =
        std::find_if(conditions.begin(), conditions.end(), [&](const Condition& one) { return one.type == type; });
    return found == conditions.end() ? nullptr : &*found;
}

bool says(const Condition& seen, const Condition& wanted) {
    return seen.status == wanted.status && seen.reason == wanted.reason && seen.message == wanted.message &&
           seen.observed_generation == wanted.observed_generation && !seen.last_transition_time.empty();
}

}  // namespace

std::optional<std::string> status_patch(const std::vector<Condition>& seen, const std::vector<Condition>& wanted,
                                        const std::string& now) {
    json conditions = json::array();
    bool same = seen.size() == wanted.size();
    int64_t generation = 0;
    for (const Condition& condition : wanted) {
        const Condition* before = find(seen, condition.type);
        same = same && before != nullptr && says(*before, condition);
        const bool stays =
            before != nullptr && before->status == condition.status && !before->last_transition_time.empty();
        generation = std::max(generation, condition.observed_generation);
        conditions.push_back({{"type", condition.type},
                              {"status", condition.status ? "True" : "False"},
                              {"reason", condition.reason},
                              {"message", condition.message},
                              {"observedGeneration", condition.observed_generation},
                              {"lastTransitionTime", stays ? before->last_transition_time : now}});
    }
    if (same) return std::nullopt;
    const json patch = {{"status", {{"observedGeneration", generation}, {"conditions", std::move(conditions)}}}};
    return patch.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace steelyard::status
