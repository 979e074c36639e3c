#pragma once
// Brings Services to what they are to have, from a thread of its own, only while we lead (controller/status/worker.hpp): each Service
// is read, and patched step by step (plan.hpp) as what was read says; what somebody else wrote in between is read again.
#include <functional>
#include <string>
#include <vector>

#include "controller/kube/objects.hpp"
#include "controller/loadbalancer/plan.hpp"
#include "controller/status/worker.hpp"

namespace steelyard::kube {
class Client;
}

namespace steelyard::loadbalancer {

class Writer {
public:
    // Those Services that have, or may have, an address of ours.
    using OnSurvey = std::function<void(std::vector<kube::Service> services)>;

    // `client` outlives the writer. `is_leader` is asked on any thread.
    Writer(kube::Client& client, std::function<bool()> is_leader, status::WriterOptions options = {});

    void start() { worker_.start(); }
    void request_stop() { worker_.request_stop(); }
    void stop() { worker_.stop(); }

    // Lists all Services as they are now, until that succeeds; `tell` is called on the writer's thread.
    void survey(OnSurvey tell);
    void offer(const kube::ObjectKey& key, const Wanted& wanted);
    void withdraw(const kube::ObjectKey& key);
    status::WriterStats stats() const { return worker_.stats(); }

private:
    std::optional<kube::ApiError> bring(const kube::ObjectKey& key, const Wanted& wanted,
                                        const std::stop_token& stop) const;

    kube::Client& client_;
    const std::function<bool()> is_leader_;
    status::Worker worker_;
};

}  // namespace steelyard::loadbalancer
