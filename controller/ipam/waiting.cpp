#include "controller/ipam/waiting.hpp"

#include <algorithm>
#include <iterator>

namespace steelyard::ipam {
namespace {

// What decides whether a Service can be served. One that asks for an address or shares is alike to nobody.
std::string queue_of(const Service& service, bool has_selectors) {
    const ServiceRequest& request = service.request;
    if (!request.requested.empty() || !request.sharing_key.empty()) return "=" + service.key;
    std::string queue = "~" + request.ns + "\n" + request.pool + "\n";
    queue += service.all_required ? 'a' : 'o';
    queue += request.local ? 'l' : 'c';
    for (const Family family : service.wanted) {
        queue += family == Family::ipv4 ? '4' : '6';
        queue += service.has(family) ? '+' : '-';
    }
    if (!has_selectors) return queue;
    for (const auto& [name, value] : request.labels) queue += "\n" + name + "=" + value;
    return queue;
}

struct ByTurn {
    bool operator()(const Service* a, const Service* b) const {
        const bool a_asks = !a->request.requested.empty();
        const bool b_asks = !b->request.requested.empty();
        return a_asks != b_asks ? a_asks : ByAge{}(a, b);
    }
};

}  // namespace

void Waiting::add(Service& service, bool has_selectors) {
    remove(service);
    service.queue = queue_of(service, has_selectors);
    Queue& queue = queues_[service.queue];
    queue.members.insert(&service);
    queue.unsaid.insert(&service);
}

void Waiting::remove(Service& service) {
    if (service.queue.empty()) return;
    const auto queue = queues_.find(service.queue);
    queue->second.members.erase(&service);
    queue->second.unsaid.erase(&service);
    if (queue->second.members.empty()) queues_.erase(queue);
    service.queue.clear();
}

void Waiting::say(Queue& queue, const Service& first, const std::function<void(Service&)>& told) {
    const bool news = queue.fault != first.fault || queue.problem != first.problem;
    queue.fault = first.fault;
    queue.problem = first.problem;
    const ServiceSet unsaid = std::move(queue.unsaid);
    queue.unsaid.clear();
    for (Service* service : news ? queue.members : unsaid) {
        if (ByAge{}(service, &first)) {  // was asked itself
            queue.unsaid.insert(service);
            continue;
        }
        service->fault = first.fault;
        service->problem = first.problem;
        told(*service);
    }
}

void Waiting::try_all(const std::function<Outcome(Service&)>& serve, const std::function<void(Service&)>& told) {
    std::set<Service*, ByTurn> turn;
    for (const auto& [name, queue] : queues_) turn.insert(*queue.members.begin());
    while (!turn.empty()) {
        Service& service = **turn.begin();
        turn.erase(turn.begin());
        Queue& queue = queues_.at(service.queue);
        const auto next = std::next(queue.members.find(&service));
        Service* following = next == queue.members.end() ? nullptr : *next;
        const Outcome outcome = serve(service);
        if (outcome == Outcome::same_for_all) {
            say(queue, service, told);
            continue;
        }
        if (outcome == Outcome::own) queue.unsaid.insert(&service);
        if (following != nullptr) turn.insert(following);
    }
}

}  // namespace steelyard::ipam
