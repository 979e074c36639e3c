#pragma once
// What is wrong with a Service or a policy, told to its owner as a Warning Event on it: by the leader, once each. A new leader says what
// stands again; the API server knows these Events by name and keeps one. One thread.
#include <functional>
#include <string>
#include <vector>

#include "controller/events/event.hpp"
#include "controller/translate/translator.hpp"

namespace steelyard {

class ProblemEvents {
public:
    using UidOf = std::function<std::string(const kube::ObjectKey& service)>;  // "" = not known any more

    ProblemEvents(events::Sink& sink, std::function<bool()> is_leader, UidOf uid_of)
        : sink_(sink), is_leader_(std::move(is_leader)), uid_of_(std::move(uid_of)) {}

    void tell(const kube::ObjectKey& service, const translate::Problem& problem);
    void tell_all(const std::vector<translate::ServiceProblems>& services);
    // On the policy, if it is Conflicted or Invalid. A target that is not there may well come yet: its status says it.
    void tell(const kube::LoadBalancingPolicy& policy, const translate::PolicyStatus& status);

private:
    events::Sink& sink_;
    const std::function<bool()> is_leader_;
    const UidOf uid_of_;
};

}  // namespace steelyard
