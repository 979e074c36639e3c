// The session's part in claims: who may ask for what, and one at a time.
#include <utility>

#include "common/push/codec.hpp"
#include "controller/push/session.hpp"

namespace steelyard::push {
namespace {

Frame frame_of(const Grant& grant) { return std::make_shared<const std::string>(encode(grant)); }

}  // namespace

PushSession::Action PushSession::on(Claim&& claim, TimePoint) {
    if (status_.hello->role != Role::edge) return close("forbidden", "a claim is for the role edge");
    if (last_claim_id_ && claim.id <= *last_claim_id_) {
        return close("protocol", "claim " + std::to_string(claim.id) + " after claim " +
                                     std::to_string(*last_claim_id_) + ": ids rise");
    }
    last_claim_id_ = claim.id;
    if (!claim_) return begin(std::move(claim));
    next_claim_ = std::move(claim);
    return {};
}

// What it may not have is answered here.
PushSession::Action PushSession::begin(Claim claim) {
    const std::string& node = status_.hello->node;
    std::array<uint32_t, 256> durations{};
    if (!node.empty()) durations = cache_.leases_for(node);
    UnderWay under_way{{claim.id, {}}, {}};
    ClaimOrder order{claim.id, node, status_.hello->instance, {}, alive_};
    for (LeaseClaim& lease : claim.leases) {
        LeaseGrant& grant = under_way.grant.leases.emplace_back();
        grant.router_id = lease.router_id;
        if (node.empty()) {
            grant.problem = "the edge's hello names no node, and it is nodes that hold Leases";
        } else if (durations[lease.router_id] == 0) {
            grant.problem = "virtual router " + std::to_string(lease.router_id) + " is none that node " + node +
                            " may hold by a Lease, as far as this controller knows";
        } else {
            under_way.open.push_back(under_way.grant.leases.size() - 1);
            order.parts.push_back({std::move(lease), durations[grant.router_id]});
        }
    }
    Action action;
    if (order.parts.empty()) {
        action.grant = frame_of(under_way.grant);
    } else {
        claim_ = std::move(under_way);
        action.claim = std::move(order);
    }
    return action;
}

PushSession::Action PushSession::on_grants(uint64_t claim, std::vector<LeaseGrant> grants) {
    if (closed_ || !claim_ || claim_->grant.id != claim) return {};
    for (size_t i = 0; i < claim_->open.size() && i < grants.size(); ++i) {
        claim_->grant.leases[claim_->open[i]] = std::move(grants[i]);
    }
    Action action;
    action.grant = frame_of(claim_->grant);
    claim_.reset();
    if (!next_claim_) return action;
    Action next = begin(*std::exchange(next_claim_, std::nullopt));
    if (!next.grant) next.grant = std::move(action.grant);  // else the newer one takes its place
    return next;
}

}  // namespace steelyard::push
