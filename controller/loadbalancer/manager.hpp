#pragma once
// Services of type LoadBalancer from end to end on the controller's side: joins the reconciler, which decides on the controller's
// thread, and the writer, which writes on its own. All methods on the io_context's thread.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "common/clock.hpp"
#include "common/push/message.hpp"
#include "controller/events/event.hpp"
#include "controller/loadbalancer/reconciler.hpp"
#include "controller/loadbalancer/writer.hpp"
#include "controller/status/writer.hpp"

namespace steelyard::loadbalancer {

class Manager {
public:
    struct Parts {  // they outlive the manager
        kube::Client& client;
        status::Writer& statuses;
        events::Sink& events;
        std::function<bool()> is_leader;                                 // any thread
        std::function<void(std::function<void()>)> post;                 // to the io_context's thread; any thread
        std::function<void(Milliseconds, std::function<void()>)> later;  // the same; asked for one job at a time
        std::function<void()> look;  // has update() called with what there is; on the io_context's thread
        bool default_class = false;  // Services without a class are ours
    };

    explicit Manager(Parts parts);

    void start() { writer_.start(); }
    void request_stop() { writer_.request_stop(); }
    void stop() { writer_.stop(); }

    void leadership_changed(bool leads);
    void update(const store::ClusterState& state, const std::vector<store::Key>& changes);
    // Tells those whose addresses are disputed. Each replica does so for the edges that report to it.
    void on_report(const store::ClusterState& state, const std::string& proxy, const push::Report& report);

    ReconcilerStats stats() const { return reconciler_.stats(); }
    status::WriterStats writes() const { return writer_.stats(); }

private:
    struct Counts {
        uint64_t conflicts = 0;
        uint64_t splits = 0;
    };

    void surveyed(uint64_t term, std::vector<kube::Service> services);
    void survey_again();
    void dispute(const store::ClusterState& state, const std::string& proxy, const push::VirtualIpReport& report,
                 const char* reason, const std::string& what);

    const Parts parts_;
    Reconciler reconciler_;
    bool waits_ = false;                                             // to survey again
    uint64_t term_ = 0;                                              // of ours as leader
    std::map<std::tuple<std::string, uint8_t, bool>, Counts> seen_;  // by proxy, router id, family
    Writer writer_;                                                  // its thread uses what is above
};

}  // namespace steelyard::loadbalancer
