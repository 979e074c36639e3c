#pragma once
// Writes the status of policies, pools and advertisements to the API server (worker.hpp): only what is not there already, only while
// we lead.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/kube/objects.hpp"
#include "controller/status/worker.hpp"

namespace steelyard::kube {
class Client;
}

namespace steelyard::status {

class Writer {
public:
    // `client` outlives the writer. `is_leader` is asked on any thread.
    Writer(kube::Client& client, std::function<bool()> is_leader, WriterOptions options = {});

    void start() { worker_.start(); }
    void request_stop() { worker_.request_stop(); }
    void stop() { worker_.stop(); }
    // The object as it was last seen, and the conditions that it is to have. From any thread; never blocks for long.
    void offer(const kube::LoadBalancingPolicy& seen, const std::vector<kube::Condition>& wanted);
    void offer(const kube::AddressPool& seen, const std::vector<kube::Condition>& wanted,
               const kube::PoolCounts& counts);
    void offer(const kube::VirtualIPAdvertisement& seen, const std::vector<kube::Condition>& wanted);
    WriterStats stats() const { return worker_.stats(); }

private:
    void put(std::string_view kind, const kube::ObjectKey& key, std::string_view plural,
             std::optional<std::string> patch);

    kube::Client& client_;
    const std::function<bool()> is_leader_;
    Worker worker_;
};

}  // namespace steelyard::status
