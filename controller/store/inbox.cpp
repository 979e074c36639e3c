#include "controller/store/inbox.hpp"

#include <mutex>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace steelyard::store {
namespace {

template <class T>
constexpr Kind kKindOf = std::is_same_v<T, kube::Service>                  ? Kind::service
                         : std::is_same_v<T, kube::EndpointSlice>          ? Kind::endpoint_slice
                         : std::is_same_v<T, kube::LoadBalancingPolicy>    ? Kind::policy
                         : std::is_same_v<T, kube::AddressPool>            ? Kind::address_pool
                         : std::is_same_v<T, kube::VirtualIPAdvertisement> ? Kind::advertisement
                         : std::is_same_v<T, kube::Node>                   ? Kind::node
                                                                           : Kind::pod;

// Most Pods of a cluster carry no mark of ours; in a list they need not be handed over at all.
bool is_kept(const kube::Pod& pod) { return is_marked(pod); }
template <class T>
bool is_kept(const T&) {
    return true;
}

}  // namespace

// What waits of one kind: the newest state of each object, nullopt for one that is gone, and where a list began or
// ended. A list's end takes effect after all the objects: an object told after the end counts
// as seen, one removed after it is gone either way.
template <class T>
class Inbox::Queue final : public kube::Handler<T> {
public:
    explicit Queue(Inbox& inbox) : inbox_(inbox) {}

    void on_list_begin() override {
        const std::lock_guard lock(mutex_);
        // What was told before stays true until the list says otherwise, and the list may be long in coming.
        for (auto& [key, object] : waiting_.objects) waiting_.before.insert_or_assign(key, std::move(object));
        waiting_.objects.clear();
        waiting_.begins = true;
        waiting_.ends = false;
    }
    void on_objects(std::vector<T> batch) override {
        {
            const std::lock_guard lock(mutex_);
            for (T& object : batch) {
                if (is_kept(object)) put(std::move(object));
            }
        }
        inbox_.signal();
    }
    void on_list_end() override {
        {
            const std::lock_guard lock(mutex_);
            waiting_.ends = true;
        }
        inbox_.signal();
    }
    void on_upsert(T object) override {
        {
            const std::lock_guard lock(mutex_);
            put(std::move(object));
        }
        inbox_.signal();
    }
    void on_remove(kube::ObjectKey key) override {
        {
            const std::lock_guard lock(mutex_);
            waiting_.objects.insert_or_assign(std::move(key), std::nullopt);
        }
        inbox_.signal();
    }

    bool drain(ClusterState& state) {
        Waiting taken;
        {
            const std::lock_guard lock(mutex_);
            taken = std::exchange(waiting_, {});
        }
        const bool any = taken.begins || taken.ends || !taken.objects.empty();
        apply(std::move(taken.before), state);
        if (taken.begins) state.begin_list(kKindOf<T>);
        apply(std::move(taken.objects), state);
        if (taken.ends) state.end_list(kKindOf<T>);
        return any;
    }

private:
    using Objects = std::unordered_map<kube::ObjectKey, std::optional<T>, ObjectKeyHash>;
    struct Waiting {
        Objects before;  // told before the list began
        Objects objects;
        bool begins = false;
        bool ends = false;
    };

    // A first list is large: each object is given back as it goes.
    static void apply(Objects objects, ClusterState& state) {
        for (auto object = objects.begin(); object != objects.end(); object = objects.erase(object)) {
            if (object->second) {
                state.upsert(std::move(*object->second));
            } else {
                state.remove(kKindOf<T>, object->first);
            }
        }
    }

    void put(T&& object) {
        kube::ObjectKey key = object.meta.key();
        waiting_.objects.insert_or_assign(std::move(key), std::optional<T>(std::move(object)));
    }

    Inbox& inbox_;
    std::mutex mutex_;
    Waiting waiting_;
};

Inbox::Inbox(std::function<void()> wake)
    : wake_(std::move(wake)),
      services_(std::make_unique<Queue<kube::Service>>(*this)),
      slices_(std::make_unique<Queue<kube::EndpointSlice>>(*this)),
      pods_(std::make_unique<Queue<kube::Pod>>(*this)),
      policies_(std::make_unique<Queue<kube::LoadBalancingPolicy>>(*this)),
      pools_(std::make_unique<Queue<kube::AddressPool>>(*this)),
      advertisements_(std::make_unique<Queue<kube::VirtualIPAdvertisement>>(*this)),
      nodes_(std::make_unique<Queue<kube::Node>>(*this)) {}

Inbox::~Inbox() = default;

kube::Handler<kube::Service>& Inbox::services() { return *services_; }
kube::Handler<kube::EndpointSlice>& Inbox::slices() { return *slices_; }
kube::Handler<kube::Pod>& Inbox::pods() { return *pods_; }
kube::Handler<kube::LoadBalancingPolicy>& Inbox::policies() { return *policies_; }
kube::Handler<kube::AddressPool>& Inbox::pools() { return *pools_; }
kube::Handler<kube::VirtualIPAdvertisement>& Inbox::advertisements() { return *advertisements_; }
kube::Handler<kube::Node>& Inbox::nodes() { return *nodes_; }

// The flag is raised after the change is in the queue and lowered before the queues are taken: a change is either taken by a
// drain under way or wakes the next one.
void Inbox::signal() {
    if (!woken_.exchange(true)) wake_();
}

bool Inbox::drain(ClusterState& state) {
    woken_.store(false);
    // Pods before slices before Services: nothing depends on it, but one pass then sees weights with their endpoints.
    const bool nodes = nodes_->drain(state);
    const bool pools = pools_->drain(state);
    const bool advertisements = advertisements_->drain(state);
    const bool policies = policies_->drain(state);
    const bool pods = pods_->drain(state);
    const bool slices = slices_->drain(state);
    const bool services = services_->drain(state);
    return nodes || pools || advertisements || policies || pods || slices || services;
}

}  // namespace steelyard::store
