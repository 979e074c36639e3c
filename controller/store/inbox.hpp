#pragma once
// The hand-over from the threads that read the cluster (reflectors, the manifests' follower) to the one that owns the
// ClusterState. Sources call the handlers from any thread; the owner calls drain().
//
// The owner is woken at once by the first change after a drain, and whatever arrives until it gets there is taken along:
// batches form under load and cost no latency without it. What waits is coalesced by object, the newest state wins: memory is
// bounded by the number of objects that exist, not by the rate of events.
#include <atomic>
#include <functional>
#include <memory>

#include "controller/kube/handler.hpp"
#include "controller/store/cluster_state.hpp"

namespace steelyard::store {

class Inbox {
public:
    // `wake` is called on a source's thread, with no lock held, at most once between two drains; it should post a call of
    // drain() to the owner and return.
    explicit Inbox(std::function<void()> wake);
    ~Inbox();
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;

    kube::Handler<kube::Service>& services();
    kube::Handler<kube::EndpointSlice>& slices();
    kube::Handler<kube::Pod>& pods();
    kube::Handler<kube::LoadBalancingPolicy>& policies();
    kube::Handler<kube::AddressPool>& pools();
    kube::Handler<kube::VirtualIPAdvertisement>& advertisements();
    kube::Handler<kube::Node>& nodes();
    kube::Handlers handlers() { return {services(), slices(), pods(), policies(), pools(), advertisements(), nodes()}; }

    // Applies everything that waits. Owner's thread only. Returns false if there was nothing.
    bool drain(ClusterState& state);

private:
    template <class T>
    class Queue;
    void signal();

    std::function<void()> wake_;
    std::atomic<bool> woken_{false};
    std::unique_ptr<Queue<kube::Service>> services_;
    std::unique_ptr<Queue<kube::EndpointSlice>> slices_;
    std::unique_ptr<Queue<kube::Pod>> pods_;
    std::unique_ptr<Queue<kube::LoadBalancingPolicy>> policies_;
    std::unique_ptr<Queue<kube::AddressPool>> pools_;
    std::unique_ptr<Queue<kube::VirtualIPAdvertisement>> advertisements_;
    std::unique_ptr<Queue<kube::Node>> nodes_;
};

}  // namespace steelyard::store
