#pragma once
// One proxy's side of the push protocol, as a machine without a socket or a clock: fed with messages, changes and time,
// it says what to send and when to close. One frame is un-acknowledged at a time, so a slow proxy costs one frame of
// memory, and the next delta is made against what it acknowledged: whatever happened meanwhile is in it once.
//
//   hello -> (ready) -> snapshot | delta -> ack  -> delta ...
//                                        -> nack -> nothing until there is something newer
//
// A version that is resumed and current is answered by an empty delta: the proxy knows then that it is in sync.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "controller/push/cache.hpp"
#include "controller/push/claim_order.hpp"

namespace steelyard::push {

class PushSession {
public:
    struct Limits {
        Milliseconds hello_timeout{5000};
        Milliseconds ack_timeout{30000};
        size_t max_frame = kMaxFrameToProxy;
    };
    // What the caller does next: send `frame` if there is one; then, if `close` is set, send it as an error and close.
    struct Action {
        Frame frame;
        std::optional<ErrorMessage> close;
        Frame refused = nullptr;                         // goes first: what it wants and may not have has changed
        Frame grant = nullptr;                           // goes first, too: the answer to a claim
        std::optional<ClaimOrder> claim = std::nullopt;  // to be passed on; its answer comes by on_grants()
    };
    // Refuses or admits a hello; the names in use are the server's to know.
    using Admit = std::function<std::optional<ErrorMessage>(const Hello&)>;

    struct Status {
        std::optional<Hello> hello;  // its wants are moved out into the subscription
        std::string acked;           // version, "" before the first
        bool behind = false;         // something it gets is not acknowledged yet
        uint64_t acks = 0, nacks = 0, snapshots = 0, deltas = 0, reports = 0, bytes = 0;
        std::string nacked_version;  // the last one it refused, "" if it acknowledged since
        std::vector<Error> nack_errors;
        std::optional<Report> report;  // the last one
        Duration last_ack_time{};      // from sent to acknowledged
        size_t refused_wants = 0;      // at present
        uint64_t refused_wants_total = 0;
    };

    // `ns`: whose upstreams, and those exported to it, it may have; "" = all.
    PushSession(PushCache& cache, Limits limits, Admit admit, bool ready, TimePoint now, std::string ns = {});

    Action on_message(std::string_view text, TimePoint now);
    Action on_change(TimePoint now);                                   // the cache has a new version
    Action on_ready(TimePoint now);                                    // the initial lists are in: snapshots may go
    Action on_grants(uint64_t claim, std::vector<LeaseGrant> grants);  // for the parts of the order of that id
    Action on_tick(TimePoint now);  // time-outs; call now and then, a second's grain is enough
    const Status& status() const { return status_; }
    const Subscription& subscription() const { return subscription_; }

private:
    Action on(Hello&& hello, TimePoint now);
    Action on(Ack&& ack, TimePoint now);
    Action on(Nack&& nack, TimePoint now);
    Action on(Report&& report, TimePoint now);
    Action on(Claim&& claim, TimePoint now);
    Action begin(Claim claim);
    Action on_ready_or_later(TimePoint now);
    Action pump(TimePoint now);
    Action send(Frame frame, TimePoint now);
    Action close(std::string code, std::string problem);
    Frame refused_now();

    // The claim that is under way: its grant as far as it is known, and which of it come from the keeper of Leases.
    struct UnderWay {
        Grant grant;
        std::vector<size_t> open;
    };
    struct InFlight {
        std::string version;
        uint64_t counter;
        TimePoint sent;
    };

    PushCache& cache_;
    const Limits limits_;
    const Admit admit_;
    Subscription subscription_;
    Status status_;
    const TimePoint started_;
    const std::string ns_;
    std::vector<std::string> foreign_;    // what it wants of other namespaces
    std::vector<size_t> told_;            // which of it were refused, as it was told last
    std::optional<uint64_t> told_as_of_;  // the cache's generation of grants
    bool ready_;
    bool closed_ = false;
    std::string base_;                 // what it has, as it knows it
    std::optional<uint64_t> cursor_;   // up to here it has everything it gets; nullopt: it needs a snapshot
    std::optional<uint64_t> refused_;  // the counter of what it refused last
    std::optional<InFlight> in_flight_;
    std::optional<UnderWay> claim_;
    std::optional<Claim> next_claim_;  // came before claim_ was answered
    std::optional<uint64_t> last_claim_id_;
    std::shared_ptr<const void> alive_ = std::make_shared<int>(0);  // claims of a session that is gone lapse
};

}  // namespace steelyard::push
