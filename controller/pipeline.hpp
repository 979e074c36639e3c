#pragma once
// The controller's one thread of thought: what the sources bring -> cluster state -> resources -> push. A batch is whatever came since
// the last one; nothing waits for a timer. All methods on the io_context's thread.
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/metrics/durations.hpp"
#include "controller/push/server.hpp"
#include "controller/store/cluster_state.hpp"
#include "controller/store/inbox.hpp"
#include "controller/translate/translator.hpp"

namespace steelyard {

struct PipelineStats {
    bool ready = false;
    uint64_t batches = 0;          // that changed something
    uint64_t computed = 0;         // units of translation that ran
    metrics::Durations durations;  // of these batches: from the drain of the inbox to the end of the push
    size_t problems = 0;
    std::map<std::string, size_t> policies;  // how many, by their reason of Accepted
    store::ClusterState::Counts counts;
};

class Pipeline {
public:
    // Is enough known to push? Asked until it is so once.
    using Enough = std::function<bool(const store::ClusterState&)>;

    // A problem that was not there before.
    using OnProblem = std::function<void(const kube::ObjectKey& service, const translate::Problem&)>;

    // A policy that changed, or whose conditions are not what they were; not told of one that is gone.
    using OnPolicy = std::function<void(const kube::LoadBalancingPolicy&, const translate::PolicyStatus&)>;

    // A batch of changes, once it is pushed.
    using OnBatch = std::function<void(const store::ClusterState&, const std::vector<store::Key>& changes)>;

    struct Hooks {
        OnProblem on_problem;
        OnPolicy on_policy;
        OnBatch on_batch;
    };

    Pipeline(translate::Options options, store::Inbox& inbox, push::PushServer& server, Enough enough, Hooks hooks);

    // Takes along all that waits in the inbox.
    void run();
    bool ready() const { return ready_; }
    PipelineStats stats() const;
    std::vector<translate::ServiceProblems> problems() const { return translator_.problems(); }
    std::vector<translate::PolicyStatus> policies() const { return translator_.policies(); }
    void each_policy(const OnPolicy& use) const;
    // What is known, as the hooks are shown it; nothing before ready().
    const store::ClusterState* state() const { return ready_ ? &state_ : nullptr; }
    std::string uid_of(const kube::ObjectKey& service) const;  // "" = there is none

private:
    void say(const std::vector<translate::ServiceProblems>& services);
    void say(const std::vector<translate::PolicyStatus>& policies);
    void tell_policies(const std::vector<store::Key>& changes,
                       const std::vector<translate::PolicyStatus>& judged) const;

    store::Inbox& inbox_;
    push::PushServer& server_;
    Enough enough_;
    Hooks hooks_;
    store::ClusterState state_;
    translate::Translator translator_;
    std::map<kube::ObjectKey, std::vector<translate::Problem>> said_;  // what was logged and still stands
    std::map<kube::ObjectKey, kube::Condition> said_policies_;         // the same
    bool ready_ = false;
    PipelineStats stats_;
};

}  // namespace steelyard
