#include "controller/translate/policies.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/config/problems.hpp"

namespace steelyard::translate {
namespace {

using kube::LoadBalancingPolicy;

constexpr size_t kMaxMessage = 8192;  // the API takes 32,768

bool is_older(const LoadBalancingPolicy* a, const LoadBalancingPolicy* b) {
    return std::tie(a->created, a->meta.ns, a->meta.name) < std::tie(b->created, b->meta.ns, b->meta.name);
}

std::string number_of(const Port& port) { return std::to_string(port.number); }

// What became of one of a policy's targets.
struct Outcome {
    enum class Kind : uint8_t { in_force, conflicted, not_found } kind = Kind::in_force;
    std::string text;  // unless in force: why not
};

std::string known_ports(const std::vector<Port>& ports) {
    std::string all;
    for (const Port& port : ports) all += (all.empty() ? "" : ", ") + (port.name.empty() ? number_of(port) : port.name);
    return all.empty() ? "none that can be balanced" : config::shown(all, 256);
}

Outcome judge_target(const LoadBalancingPolicy& policy, const policy::Target& target, View& view) {
    const kube::ObjectKey key{policy.meta.ns, target.service};
    const kube::Service* service = view.service(key);
    const Claims claims(key, view);
    if (service == nullptr) return {Outcome::Kind::not_found, "there is no Service " + key.to_string()};
    if (service->type == "ExternalName")
        return {Outcome::Kind::not_found, "Service " + key.to_string() + " is an ExternalName, which is not balanced"};
    const auto judged = [&](const LoadBalancingPolicy* winner, const std::string& what) -> Outcome {
        if (winner == nullptr || winner->meta.name == policy.meta.name) return {};
        return {Outcome::Kind::conflicted,
                winner->meta.ns + "/" + winner->meta.name + ", which comes before it, is in force for " + what};
    };
    if (target.section.empty()) return judged(claims.winner(), "Service " + key.to_string());
    const std::vector<Port> ports = usable_ports(*service, nullptr);
    for (const Port& port : ports) {
        if (!means(target.section, ports, port)) continue;
        if (Outcome outcome = judged(claims.winner(ports, port), port.upstream);
            outcome.kind != Outcome::Kind::in_force)
            return outcome;
    }
    const bool any =
        std::any_of(ports.begin(), ports.end(), [&](const Port& port) { return means(target.section, ports, port); });
    if (any) return {};
    return {Outcome::Kind::not_found, "Service " + key.to_string() + " has no port '" + config::shown(target.section) +
                                          "' (" + known_ports(ports) + ")"};
}

// Whether one of the ports that the policy is for is balanced as HTTP.
bool has_http(const LoadBalancingPolicy& policy, View& view) {
    return std::any_of(policy.spec.targets.begin(), policy.spec.targets.end(), [&](const policy::Target& target) {
        const kube::Service* service = view.service({policy.meta.ns, target.service});
        if (service == nullptr) return false;
        const std::vector<Port> ports = usable_ports(*service, nullptr);
        return std::any_of(ports.begin(), ports.end(), [&](const Port& port) {
            return port.protocol == config::Protocol::http &&
                   (target.section.empty() || means(target.section, ports, port));
        });
    });
}

void append(std::string& all, const std::string& text) {
    if (all.size() + text.size() > kMaxMessage) return;
    all += (all.empty() ? "" : "; ") + text;
}

kube::Condition condition(const LoadBalancingPolicy& policy, const char* type, bool status, const char* reason,
                          std::string message) {
    return {type, status, reason, std::move(message), policy.generation};
}

constexpr const char* kNoConflict = "no other policy is in force where this one is meant to be";

PolicyStatus invalid(PolicyStatus status, const LoadBalancingPolicy& policy) {
    std::string message;
    for (const Error& problem : policy.problems) append(message, problem.to_string());
    append(message, "the policy is not in force until it is mended");
    status.conditions = {condition(policy, kAccepted, false, kInvalid, std::move(message)),
                         condition(policy, kConflicted, false, "NotInForce", "the policy is invalid")};
    return status;
}

}  // namespace

bool means(std::string_view section, const std::vector<Port>& ports, const Port& port) {
    if (port.name == section) return !section.empty();
    return number_of(port) == section &&
           std::none_of(ports.begin(), ports.end(), [&](const Port& other) { return other.name == section; });
}

Claims::Claims(const kube::ObjectKey& service, View& view)
    : service_(service.name), policies_(view.policies_of(service)) {
    std::erase_if(policies_, [](const LoadBalancingPolicy* policy) { return !policy->problems.empty(); });
    std::sort(policies_.begin(), policies_.end(), is_older);
}

const LoadBalancingPolicy* Claims::winner() const {
    for (const LoadBalancingPolicy* policy : policies_) {
        for (const policy::Target& target : policy->spec.targets) {
            if (target.service == service_ && target.section.empty()) return policy;
        }
    }
    return nullptr;
}

const LoadBalancingPolicy* Claims::winner(const std::vector<Port>& ports, const Port& port) const {
    for (const LoadBalancingPolicy* policy : policies_) {
        for (const policy::Target& target : policy->spec.targets) {
            if (target.service == service_ && means(target.section, ports, port)) return policy;
        }
    }
    return nullptr;
}

config::Policy Claims::in_force(const std::vector<Port>& ports, const Port& port, config::Policy before) const {
    const LoadBalancingPolicy* policy = winner(ports, port);
    if (policy == nullptr) policy = winner();
    if (policy != nullptr) policy->spec.apply(before);
    return before;
}

PolicyStatus judge_policy(const kube::ObjectKey& key, View& view) {
    PolicyStatus status{key, {}};
    const LoadBalancingPolicy* policy = view.policy(key);
    if (policy == nullptr) return status;
    if (!policy->problems.empty()) return invalid(std::move(status), *policy);
    std::string conflicts;
    std::string missing;
    for (size_t i = 0; i < policy->spec.targets.size(); ++i) {
        const Outcome outcome = judge_target(*policy, policy->spec.targets[i], view);
        const std::string text = "spec.targetRefs[" + std::to_string(i) + "]: " + outcome.text;
        if (outcome.kind == Outcome::Kind::conflicted) append(conflicts, text);
        if (outcome.kind == Outcome::Kind::not_found) append(missing, text);
    }
    const bool conflicted = !conflicts.empty();
    const bool good = !conflicted && missing.empty();
    std::string message = conflicts;
    if (!missing.empty()) append(message, missing);
    if (good) message = "in force for all of spec.targetRefs";
    if (good && policy->spec.http && !has_http(*policy, view)) {
        append(message,
               "spec.http is without effect: no port there is balanced as HTTP, which is one that is named http "
               "or http-..., or has appProtocol: http");
    }
    for (const std::string& path : policy->ignored)
        append(message, path + " is not known to this controller and ignored");
    status.conditions = {condition(*policy, kAccepted, good,
                                   conflicted ? kConflicted
                                   : good     ? kAccepted
                                              : kTargetNotFound,
                                   std::move(message)),
                         condition(*policy, kConflicted, conflicted, conflicted ? kConflicted : "NoConflict",
                                   conflicted ? conflicts : std::string(kNoConflict))};
    return status;
}

}  // namespace steelyard::translate
