#pragma once
// What a source of Kubernetes objects (a reflector on the API server, a directory of manifests) tells whoever keeps them.
//
// The order of calls, all from one thread of the source: on_list_begin, on_objects any number of times, on_list_end: what was
// not among them is gone. Then on_upsert and on_remove for each change. A relist begins again with on_list_begin, also when a
// list broke off half-way. Calls must return quickly and not throw.
#include <vector>

#include "controller/kube/objects.hpp"

namespace steelyard::kube {

template <class T>
class Handler {
public:
    virtual ~Handler() = default;

    virtual void on_list_begin() = 0;
    virtual void on_objects(std::vector<T>&& batch) = 0;
    virtual void on_list_end() = 0;
    virtual void on_upsert(T&& object) = 0;
    virtual void on_remove(const ObjectKey& key) = 0;
};

}  // namespace steelyard::kube
