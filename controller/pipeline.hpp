#pragma once
// The controller's one thread of thought: what the sources bring -> cluster state -> resources -> push. A batch is whatever came since
// the last one; nothing waits for a timer. All methods on the io_context's thread.
#include <cstdint>
#include <functional>
#include <map>
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
    store::ClusterState::Counts counts;
};

class Pipeline {
public:
    // Is enough known to push? Asked until it is so once.
    using Enough = std::function<bool(const store::ClusterState&)>;

    // A problem that was not there before.
    using OnProblem = std::function<void(const kube::ObjectKey& service, const translate::Problem&)>;

    Pipeline(translate::Options options, store::Inbox& inbox, push::PushServer& server, Enough enough,
             OnProblem on_problem = {});

    // Takes along all that waits in the inbox.
    void run();
    bool ready() const { return ready_; }
    PipelineStats stats() const;
    std::vector<translate::ServiceProblems> problems() const { return translator_.problems(); }
    std::string uid_of(const kube::ObjectKey& service) const;  // "" = there is none

private:
    void say(const std::vector<translate::ServiceProblems>& services);

    store::Inbox& inbox_;
    push::PushServer& server_;
    Enough enough_;
    OnProblem on_problem_;
    store::ClusterState state_;
    translate::Translator translator_;
    std::map<kube::ObjectKey, std::vector<translate::Problem>> said_;  // what was logged and still stands
    bool ready_ = false;
    PipelineStats stats_;
};

}  // namespace steelyard
