#include "controller/ipam/pool.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace steelyard::ipam {
namespace {

constexpr const char* kUnused = "; the pool gives no addresses until it is mended, and who holds one of it keeps it";

bool holds(const Requirement& requirement, const Labels& labels) {
    const auto label = labels.find(requirement.key);
    const bool has = label != labels.end();
    const auto listed = [&] { return std::ranges::count(requirement.values, label->second) != 0; };
    if (requirement.op == "In") return has && listed();
    if (requirement.op == "NotIn") return !has || !listed();
    if (requirement.op == "Exists") return has;
    return requirement.op == "DoesNotExist" && !has;
}

// The first thing wrong with the selector; empty: nothing.
std::string fault_of(const Selector& selector) {
    for (size_t i = 0; i < selector.match_expressions.size(); ++i) {
        const Requirement& one = selector.match_expressions[i];
        const std::string where = "spec.serviceSelector.matchExpressions[" + std::to_string(i) + "]";
        const bool with_values = one.op == "In" || one.op == "NotIn";
        if (one.key.empty()) return where + ".key: is empty";
        if (!with_values && one.op != "Exists" && one.op != "DoesNotExist")
            return where + ".operator: '" + one.op.substr(0, 64) + "' is none of In, NotIn, Exists, DoesNotExist";
        if (with_values == one.values.empty())
            return where + ".values: " + one.op + (with_values ? " needs at least one" : " takes none");
    }
    return "";
}

void read(Pool& pool) {
    const PoolSpec& spec = pool.spec;
    std::string fault = spec.problem;
    const auto note = [&fault](const std::string& found) {
        if (fault.empty()) fault = found;
    };
    if (spec.addresses.empty()) note("spec.addresses: is empty");
    if (spec.addresses.size() > PoolSpec::kMaxAddresses) {
        note("spec.addresses: " + std::to_string(spec.addresses.size()) + " entries are more than " +
             std::to_string(PoolSpec::kMaxAddresses));
    }
    for (size_t i = 0; i < std::min(spec.addresses.size(), PoolSpec::kMaxAddresses); ++i) {
        const Result<Range> range = parse_range(spec.addresses[i]);
        if (range) {
            pool.ranges.push_back(*range);
        } else {
            note("spec.addresses[" + std::to_string(i) + "]: " + range.error().problem);
        }
    }
    if (spec.service_selector) note(fault_of(*spec.service_selector));
    pool.ranges = merged(std::move(pool.ranges));
    pool.accepted = fault.empty();
    pool.reason = pool.accepted ? "Accepted" : "Invalid";
    pool.message = pool.accepted ? "in use" : "AddressPool " + spec.name + ": " + fault + kUnused;
}

// Ranges of accepted pools, disjoint, by where they begin.
class Taken {
public:
    struct Owner {
        Range range;
        const Pool* pool;
    };

    const Owner* overlapping(const Range& range) const {
        auto next = ranges_.upper_bound(range.last);
        if (next == ranges_.begin()) return nullptr;
        --next;
        return next->second.range.overlaps(range) ? &next->second : nullptr;
    }
    void add(const Pool& pool) {
        for (const Range& range : pool.ranges) ranges_.emplace(range.first, Owner{range, &pool});
    }

private:
    std::map<Address, Owner> ranges_;
};

}  // namespace

bool matches(const Selector& selector, const Labels& labels) {
    const bool equal = std::ranges::all_of(selector.match_labels, [&](const auto& wanted) {
        const auto label = labels.find(wanted.first);
        return label != labels.end() && label->second == wanted.second;
    });
    return equal &&
           std::ranges::all_of(selector.match_expressions, [&](const Requirement& one) { return holds(one, labels); });
}

bool Pool::admits(std::string_view ns, const Labels& labels) const {
    const bool here = spec.namespaces.empty() || std::ranges::count(spec.namespaces, ns) != 0;
    return here && (!spec.service_selector || matches(*spec.service_selector, labels));
}

bool Pool::contains(const Address& address) const {
    const auto after = std::upper_bound(ranges.begin(), ranges.end(), address,
                                        [](const Address& a, const Range& range) { return a < range.first; });
    return after != ranges.begin() && std::prev(after)->contains(address);
}

std::vector<Pool> judge_pools(std::vector<PoolSpec> specs) {
    std::sort(specs.begin(), specs.end(), [](const PoolSpec& a, const PoolSpec& b) {
        return std::tie(a.created, a.name) < std::tie(b.created, b.name);
    });
    std::vector<Pool> pools;
    pools.reserve(specs.size());  // Taken points into it
    Taken taken;
    for (PoolSpec& spec : specs) {
        Pool& pool = pools.emplace_back();
        pool.spec = std::move(spec);
        read(pool);
        if (!pool.accepted) continue;
        for (const Range& range : pool.ranges) {
            const Taken::Owner* owner = taken.overlapping(range);
            if (owner == nullptr) continue;
            pool.accepted = false;
            pool.reason = "Overlap";
            pool.message = "AddressPool " + pool.spec.name + ": spec.addresses: " + range.to_string() + " overlaps " +
                           owner->range.to_string() + " of the older AddressPool " + owner->pool->spec.name + kUnused;
            break;
        }
        if (pool.accepted) taken.add(pool);
    }
    return pools;
}

}  // namespace steelyard::ipam
