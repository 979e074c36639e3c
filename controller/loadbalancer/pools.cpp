#include "controller/loadbalancer/pools.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "controller/loadbalancer/advertisements.hpp"

namespace steelyard::loadbalancer {
namespace {

constexpr size_t kMaxShown = 8;  // names in a message

const char* operator_name(LabelSelector::Operator op) {
    switch (op) {
        case LabelSelector::Operator::in:
            return "In";
        case LabelSelector::Operator::not_in:
            return "NotIn";
        case LabelSelector::Operator::exists:
            return "Exists";
        case LabelSelector::Operator::does_not_exist:
            return "DoesNotExist";
    }
    return "";
}

// What is wrong, as one text; empty: nothing.
std::string problem_of(const kube::Problems& problems) {
    if (problems.empty()) return {};
    std::string text = problems.front().to_string();
    if (problems.size() > 1) text += " (and " + std::to_string(problems.size() - 1) + " more)";
    return text;
}

kube::Condition accepted(bool status, std::string reason, std::string message, int64_t generation) {
    return {"Accepted", status, std::move(reason), std::move(message), generation};
}

void append(std::string& list, size_t count, const std::string& name) {
    if (count < kMaxShown) list += (list.empty() ? "" : ", ") + name;
    if (count == kMaxShown) list += " and more";
}

}  // namespace

std::optional<ipam::Selector> selector_of(const LabelSelector& selector) {
    if (selector.empty()) return std::nullopt;
    ipam::Selector out;
    out.match_labels = selector.labels;
    for (const auto& one : selector.expressions)
        out.match_expressions.push_back({one.key, operator_name(one.op), one.values});
    return out;
}

ipam::PoolSpec pool_spec_of(const kube::AddressPool& pool,
                            const std::vector<const kube::VirtualIPAdvertisement*>& advertisements) {
    ipam::PoolSpec out;
    out.name = pool.meta.name;
    out.created = pool.judged.created;
    out.addresses = pool.spec.addresses;
    out.auto_assign = pool.spec.auto_assign;
    out.namespaces = pool.spec.namespaces;
    out.service_selector = selector_of(pool.spec.services);
    out.problem = problem_of(pool.problems);
    if (const auto* advertisement = in_force(advertisements, pool.meta.name)) {
        out.router_ids = {advertisement->meta.name, static_cast<uint8_t>(advertisement->spec.first_router_id),
                          static_cast<uint8_t>(advertisement->spec.last_router_id)};
    }
    return out;
}

std::vector<kube::Condition> conditions_of(const kube::AddressPool& pool, const ipam::PoolStatus& status) {
    std::string message = status.message;
    if (!pool.judged.ignored.empty())
        message += (message.empty() ? "" : "; ") + std::string("not known here and without effect: ") +
                   pool.judged.ignored.front();
    return {accepted(status.accepted, status.reason, std::move(message), pool.judged.generation)};
}

std::vector<kube::Condition> conditions_of(const kube::VirtualIPAdvertisement& advertisement,
                                           const std::vector<const kube::AddressPool*>& pools,
                                           const std::vector<const kube::VirtualIPAdvertisement*>& advertisements,
                                           const NodeChoice& nodes) {
    const int64_t generation = advertisement.judged.generation;
    if (!advertisement.problems.empty()) {
        return {accepted(false, "Invalid", problem_of(advertisement.problems) + "; it is not in force anywhere",
                         generation)};
    }
    const auto& names = advertisement.spec.pools;
    size_t mine = 0;
    size_t lost = 0;
    std::string losses;
    for (const auto* pool : pools) {
        if (!names.empty() && std::find(names.begin(), names.end(), pool->meta.name) == names.end()) continue;
        const auto* winner = in_force(advertisements, pool->meta.name);
        if (winner == nullptr || winner->meta.name == advertisement.meta.name) {
            ++mine;
        } else {
            append(losses, lost++, pool->meta.name + " (" + winner->meta.name + ")");
        }
    }
    const std::string message = "an older VirtualIPAdvertisement is in force for " + losses;
    if (lost != 0 && mine == 0)
        return {accepted(false, "Conflicted", message + "; this one is not in force anywhere", generation)};
    if (nodes.fault != NodeChoice::Fault::none) {
        return {accepted(false, reason_of(nodes.fault), "spec.nodeSelector: " + problem_of(nodes), generation)};
    }
    std::string where = "in force for " + std::to_string(mine) + " pools";
    if (nodes.matching != 0) where += ", on " + std::to_string(nodes.matching) + " nodes";
    return {accepted(true, "Accepted", where + (lost == 0 ? "" : "; " + message), generation)};
}

}  // namespace steelyard::loadbalancer
