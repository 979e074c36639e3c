#pragma once
// Who is told of a kind's objects. All calls come from that kind's own thread, one at a time, in order; they must not
// throw and should be quick, for nothing else of the kind is read meanwhile.
//
// A list replaces what is known: on_list_begin, on_objects (any number of times), on_list_end; what was known before
// and was not named in between is gone. A list that breaks off is begun again: on_list_begin then comes without an
// on_list_end before it. Between lists on_upsert and on_remove bring single changes; a removal may name an object that
// was never announced.
#include <vector>

#include "controller/kube/objects.hpp"

namespace steelyard::kube {

template <class T>
class Handler {
public:
    virtual ~Handler() = default;
    virtual void on_list_begin() = 0;
    virtual void on_objects(std::vector<T> objects) = 0;
    virtual void on_list_end() = 0;
    virtual void on_upsert(T object) = 0;
    virtual void on_remove(ObjectKey key) = 0;
};

// Whoever is told of all kinds.
struct Handlers {
    Handler<Service>& services;
    Handler<EndpointSlice>& slices;
    Handler<Pod>& pods;
    Handler<LoadBalancingPolicy>& policies;
    Handler<AddressPool>& pools;
    Handler<VirtualIPAdvertisement>& advertisements;
    Handler<Node>& nodes;
};

}  // namespace steelyard::kube
