#include "common/push/lease_codec.hpp"

#include <bitset>

#include "common/config/validate.hpp"
#include "common/push/codec.hpp"

namespace steelyard::push {
namespace {

using config::append_json_string;
using config::Fields;
using config::Path;
using config::Problems;
using nlohmann::json;

constexpr config::Range kIdRange{0, 0xffffffffffffffff, "an id"};
constexpr config::Range kNodePriorityRange{0, 255, "a priority"};
constexpr config::Range kGrantedRange{0, 60'000, "a duration in milliseconds"};
constexpr size_t kMaxProblemBytes = 512;

// A node's name; what may be nobody's is "".
void check_node(const std::string& node, bool may_be_empty, const Path& path, Problems& problems) {
    if ((may_be_empty && node.empty()) || config::is_name(node)) return;
    problems.add(path, "'" + config::shown(node) + "' is not the name of a node (1-" +
                           std::to_string(config::kMaxNameBytes) + " visible ASCII characters, no spaces)");
}

// Which routers of a list have been named: each may be so once.
class Routers {
public:
    explicit Routers(Problems& problems) : problems_(problems) {}
    void add(uint8_t id, const Path& path) {
        if (named_[id]) problems_.add(path / "router_id", std::to_string(id) + " is named twice");
        named_.set(id);
    }

private:
    Problems& problems_;
    std::bitset<256> named_;
};

LeaseClaim decode_lease_claim(const Fields& fields, const Path& path, Problems& problems) {
    LeaseClaim claim;
    fields.required_number("router_id", config::kRouterIdRange, claim.router_id);
    fields.choice(fields.require("action"), "action", parse_lease_action, "hold, release, transfer", claim.action);
    fields.number("priority", kNodePriorityRange, claim.priority);
    fields.string("to", claim.to);
    if (!problems.empty()) return claim;
    if (claim.action == LeaseAction::transfer) {
        check_node(claim.to, false, path / "to", problems);
    } else if (!claim.to.empty()) {
        problems.add(path / "to", "has a place with transfer only");
    }
    return claim;
}

LeaseGrant decode_lease_grant(const Fields& fields, const Path& path, Problems& problems) {
    LeaseGrant grant;
    fields.required_number("router_id", config::kRouterIdRange, grant.router_id);
    (void)fields.require("held");
    fields.boolean("held", grant.held);
    fields.string("holder", grant.holder);
    fields.number("duration_ms", kGrantedRange, grant.duration_ms);
    fields.string("wanted_by", grant.wanted_by);
    fields.string("problem", grant.problem);
    if (!problems.empty()) return grant;
    check_node(grant.holder, true, path / "holder", problems);
    check_node(grant.wanted_by, true, path / "wanted_by", problems);
    if (grant.held && grant.duration_ms == 0) problems.add(path / "duration_ms", "is 0 though the lease is held");
    if (grant.problem.size() > kMaxProblemBytes) grant.problem.resize(kMaxProblemBytes);
    return grant;
}

// Each element by `decode`; at least one.
template <class L, class Decode>
void decode_leases(const Fields& fields, Problems& problems, std::vector<L>& out, Decode decode) {
    Routers routers{problems};
    const json* list = fields.require("leases");
    fields.list(list, "leases", kMaxClaims, [&](const json& element, const Path& at) {
        const Fields lease{element, at, problems};
        if (!lease.is_object()) return;
        out.push_back(decode(lease, at, problems));
        if (problems.empty()) routers.add(out.back().router_id, at);
    });
    if (list != nullptr && problems.empty() && out.empty()) problems.add(Path{} / "leases", "is empty");
}

// The head of either message: up to the list of leases.
std::string begin(std::string_view type, uint64_t id) {
    std::string out = R"({"type":")";
    out += type;
    return out + R"(","id":)" + std::to_string(id) + R"(,"leases":[)";
}

void text(std::string& out, std::string_view key, std::string_view value) {
    out += ",\"";
    out += key;
    out += "\":";
    append_json_string(out, value);
}

}  // namespace

Claim decode_claim(const Fields& fields, Problems& problems) {
    Claim claim;
    fields.required_number("id", kIdRange, claim.id);
    decode_leases(fields, problems, claim.leases, decode_lease_claim);
    return claim;
}

Grant decode_grant(const Fields& fields, Problems& problems) {
    Grant grant;
    fields.required_number("id", kIdRange, grant.id);
    decode_leases(fields, problems, grant.leases, decode_lease_grant);
    return grant;
}

std::string encode(const Claim& message) {
    std::string out = begin("claim", message.id);
    for (const LeaseClaim& lease : message.leases) {
        if (&lease != message.leases.data()) out += ',';
        out += R"({"router_id":)" + std::to_string(lease.router_id);
        text(out, "action", to_string(lease.action));
        out += R"(,"priority":)" + std::to_string(lease.priority);
        if (!lease.to.empty()) text(out, "to", lease.to);
        out += '}';
    }
    return out + "]}";
}

std::string encode(const Grant& message) {
    std::string out = begin("grant", message.id);
    for (const LeaseGrant& lease : message.leases) {
        if (&lease != message.leases.data()) out += ',';
        out += R"({"router_id":)" + std::to_string(lease.router_id);
        out += lease.held ? R"(,"held":true)" : R"(,"held":false)";
        text(out, "holder", lease.holder);
        out += R"(,"duration_ms":)" + std::to_string(lease.duration_ms);
        text(out, "wanted_by", lease.wanted_by);
        text(out, "problem", lease.problem);
        out += '}';
    }
    return out + "]}";
}

}  // namespace steelyard::push
