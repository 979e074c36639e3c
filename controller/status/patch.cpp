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

// The conditions to be written; `same` becomes false unless they are there already.
json conditions_of(const std::vector<Condition>& seen, const std::vector<Condition>& wanted, const std::string& now,
                   bool& same) {
    json conditions = json::array();
    same = same && seen.size() == wanted.size();
    for (const Condition& condition : wanted) {
        const Condition* before = find(seen, condition.type);
        same = same && before != nullptr && says(*before, condition);
        const bool stays =
            before != nullptr && before->status == condition.status && !before->last_transition_time.empty();
        conditions.push_back({{"type", condition.type},
                              {"status", condition.status ? "True" : "False"},
                              {"reason", condition.reason},
                              {"message", condition.message},
                              {"observedGeneration", condition.observed_generation},
                              {"lastTransitionTime", stays ? before->last_transition_time : now}});
    }
    return conditions;
}

int64_t generation_of(const std::vector<Condition>& wanted) {
    int64_t generation = 0;
    for (const Condition& condition : wanted) generation = std::max(generation, condition.observed_generation);
    return generation;
}

std::string patch_of(json status) {
    return json{{"status", std::move(status)}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::optional<std::string> status_patch(const std::vector<Condition>& seen, const std::vector<Condition>& wanted,
                                        const std::string& now) {
    bool same = true;
    json conditions = conditions_of(seen, wanted, now, same);
    if (same) return std::nullopt;
    return patch_of({{"observedGeneration", generation_of(wanted)}, {"conditions", std::move(conditions)}});
}

std::optional<std::string> status_patch(const kube::AddressPool& seen, const std::vector<Condition>& wanted,
                                        const kube::PoolCounts& counts, const std::string& now) {
    bool same = seen.counts == counts;
    json conditions = conditions_of(seen.judged.conditions, wanted, now, same);
    if (same) return std::nullopt;
    return patch_of({{"observedGeneration", generation_of(wanted)},
                     {"total", counts.total},
                     {"assigned", counts.assigned},
                     {"available", counts.available},
                     {"conditions", std::move(conditions)}});
}

}  // namespace steelyard::status
