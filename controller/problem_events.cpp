#include "controller/problem_events.hpp"

namespace steelyard {

void ProblemEvents::tell(const kube::ObjectKey& service, const translate::Problem& problem) {
    if (!is_leader_()) return;
    events::EventSpec event;
    event.regarding = {"v1", "Service", service.ns, service.name, uid_of_(service)};
    if (event.regarding.uid.empty()) return;  // slices of a Service that is not there are nobody's to mend
    event.type = events::Severity::warning;
    event.reason = problem.reason;
    event.note = problem.message;
    event.action = "Translate";
    event.once = true;
    sink_.record(std::move(event));
}

void ProblemEvents::tell(const kube::LoadBalancingPolicy& policy, const translate::PolicyStatus& status) {
    const kube::Condition* accepted = status.accepted();
    if (!is_leader_() || accepted == nullptr || accepted->status || accepted->reason == translate::kTargetNotFound)
        return;
    events::EventSpec event;
    event.regarding = {std::string(policy::kApiVersion), std::string(policy::kKind), policy.meta.ns, policy.meta.name,
                       policy.uid};
    event.type = events::Severity::warning;
    event.reason = accepted->reason;
    event.note = accepted->message;
    event.action = "Translate";
    event.once = true;
    sink_.record(std::move(event));
}

void ProblemEvents::tell_all(const std::vector<translate::ServiceProblems>& services) {
    for (const auto& [service, problems] : services) {
        for (const auto& problem : problems) tell(service, problem);
    }
}

}  // namespace steelyard
