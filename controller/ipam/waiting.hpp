#pragma once
// Services that wait for something to become free, in queues of those that are alike: when the first of a queue cannot be served,
// none of it can. Inside of controller/ipam only.
#include <functional>
#include <map>
#include <string>

#include "controller/ipam/state.hpp"

namespace steelyard::ipam {

class Waiting {
public:
    enum class Outcome {
        served,
        same_for_all,  // not served, and neither is anybody else in its queue
        own,           // not served, for a reason of its own
    };

    void add(Service& service, bool has_selectors);
    void remove(Service& service);  // one that does not wait: nothing
    // Asks each queue's first, and its next as long as that makes sense: who asks for an address comes first, then the older.
    // `serve` may add() and remove() the Service that it is called with, and no other. Its fault is that of all who are not asked
    // after same_for_all: `told` is called for those that it is new to.
    void try_all(const std::function<Outcome(Service&)>& serve, const std::function<void(Service&)>& told);

private:
    struct Queue {
        ServiceSet members;
        ServiceSet unsaid;  // members whose fault and problem are not what was said to all
        Fault fault = Fault::none;
        std::string problem;
    };

    static void say(Queue& queue, const Service& first, const std::function<void(Service&)>& told);

    std::map<std::string, Queue> queues_;
};

}  // namespace steelyard::ipam
