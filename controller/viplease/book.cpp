#include "controller/viplease/book.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "common/config/validate.hpp"

namespace steelyard::viplease {
namespace {

constexpr int64_t kDriftDivisor = 100;  // clocks run alike to a hundredth
constexpr int kWishesPerDuration = 3;

std::optional<uint64_t> ordinal(const std::string& version) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), value);
    if (error != std::errc() || end != version.data() + version.size()) return std::nullopt;
    return value;
}

// Versions are opaque by the letter, but all servers count; where one does not, nothing is taken for older.
bool is_older(const Record& record, const Record& known) {
    const auto ours = ordinal(record.lease.resource_version), theirs = ordinal(known.lease.resource_version);
    return ours && theirs && *ours < *theirs;
}

// A time that is not that of before: a renewal has to be seen as a change.
std::string new_time(kube::WallTime wall, const std::string& before) {
    std::string time = kube::micro_time(wall);
    while (time == before) time = kube::micro_time(wall += std::chrono::microseconds(1));
    return time;
}

// Somebody may have written anything by hand; a grant holds names only.
std::string name_or_word(const std::string& holder) {
    return holder.empty() || config::is_name(holder) ? holder : std::string("(unreadable)");
}

push::LeaseGrant told(const Ask& ask, const std::string& holder) {
    push::LeaseGrant grant;
    grant.router_id = ask.claim.router_id;
    grant.holder = name_or_word(holder);
    grant.duration_ms = static_cast<uint32_t>(ask.duration.count());
    return grant;
}

Milliseconds longest(const Record& record, Milliseconds duration) { return std::max(record.lease.duration, duration); }

}  // namespace

void Book::on_record(Record record, TimePoint now) {
    Entry& entry = entries_[record.router_id];
    const Record& known = entry.record;
    const bool same_version = record.lease.resource_version == known.lease.resource_version;
    if (entry.present && (same_version || is_older(record, known))) return;
    const bool same_wish = record.wish == known.wish;
    // Of what nobody of us has changed (a label, written by hand) it is not known what it was for: rather a sign of life than none.
    // Only another's wish is none.
    if (!entry.present || !record.lease.same_record(known.lease) || same_wish) entry.seen_at = now;
    if (!entry.present || !same_wish) entry.wish_at = now;
    entry.record = std::move(record);
    entry.present = true;
}

void Book::on_list(std::vector<Record> records, TimePoint now) {
    std::bitset<256> listed;
    for (Record& record : records) {
        listed.set(record.router_id);
        on_record(std::move(record), now);
    }
    for (size_t id = 1; id < entries_.size(); ++id) {
        if (!listed[id]) on_absent(static_cast<uint8_t>(id), now);
    }
}

// Its record is kept: who held it was granted it until its end. Since when it is gone says nothing about its holder.
void Book::on_absent(uint8_t router_id, TimePoint) { entries_[router_id].present = false; }

void Book::on_deleted(const Record& last, TimePoint now) {
    const Entry& entry = entries_[last.router_id];
    if (entry.present && is_older(last, entry.record)) return;
    if (!entry.present || !last.lease.same_record(entry.record.lease)) on_record(last, now);  // what we had not seen
    on_absent(last.router_id, now);
}

bool Book::is_held(const Entry& entry, Milliseconds duration, TimePoint now) {
    const Milliseconds whole = longest(entry.record, duration);
    return !entry.record.lease.holder.empty() && now < entry.seen_at + whole + whole / kDriftDivisor;
}

// A wish ends with those who repeat it: nothing may be given to a node that is gone.
bool Book::is_wanted(const Entry& entry, Milliseconds duration, TimePoint now) {
    return config::is_name(entry.record.wish.node) && now < entry.wish_at + 2 * duration / kWishesPerDuration;
}

Book::Decision Book::decide(const Ask& ask, TimePoint now, kube::WallTime wall) const {
    const Entry& entry = entries_[ask.claim.router_id];
    const bool ours = entry.record.lease.holder == ask.node;
    if (ask.claim.action == push::LeaseAction::hold)
        return ours || !is_held(entry, ask.duration, now) ? take(entry, ask, now, wall)
                                                          : ask_for(entry, ask, now, wall);
    // A process that was replaced does not give away what its successor holds, nor does a claim that comes late what was claimed since.
    const bool latest = entry.record.instance == ask.instance && ask.id > entry.record.claim;
    const bool may = ours && (entry.record.instance.empty() || latest);
    if (entry.present && may) return give(entry, ask, wall);
    return {Decision::What::answer, {}, told(ask, entry.present ? entry.record.lease.holder : std::string())};
}

// Takes what is free, or renews.
Book::Decision Book::take(const Entry& entry, const Ask& ask, TimePoint now, kube::WallTime wall) {
    Decision out{entry.present ? Decision::What::replace : Decision::What::create, entry.record, told(ask, ask.node)};
    leader::Lease& lease = out.record.lease;
    const bool ours = lease.holder == ask.node;
    if (!entry.present) {
        lease.object.clear();
        lease.resource_version.clear();
    }
    lease.renew_time = new_time(wall, lease.renew_time);
    if (!ours) {
        lease.acquire_time = lease.renew_time;
        if (entry.present) ++lease.transitions;
    }
    lease.holder = ask.node;
    lease.duration = ask.duration;
    out.record.router_id = ask.claim.router_id;
    out.record.priority = ask.claim.priority;
    // Claims of one process may come out of order.
    const bool same = ours && out.record.instance == ask.instance;
    out.record.claim = same ? std::max(out.record.claim, ask.id) : ask.id;
    out.record.instance = ask.instance;
    const Wish& wish = out.record.wish;
    const bool stands =
        ours && is_wanted(entry, ask.duration, now) && wish.node != ask.node && wish.priority > ask.claim.priority;
    if (!stands) out.record.wish = {};
    out.grant.held = true;
    out.grant.wanted_by = out.record.wish.node;
    return out;
}

// Another holds it. Who is of higher priority says so, unless a better one does, and repeats it now and then.
Book::Decision Book::ask_for(const Entry& entry, const Ask& ask, TimePoint now, kube::WallTime wall) {
    Decision out{Decision::What::answer, {}, told(ask, entry.record.lease.holder)};
    const Wish& wish = entry.record.wish;
    const bool wanted = is_wanted(entry, ask.duration, now);
    if (wanted) out.grant.wanted_by = wish.node;
    if (!entry.present || ask.claim.priority <= entry.record.priority) return out;
    const bool said = wanted && wish.node == ask.node && wish.priority == ask.claim.priority &&
                      now < entry.wish_at + ask.duration / kWishesPerDuration;
    const bool better = wanted && wish.node != ask.node && wish.priority >= ask.claim.priority;
    if (said || better) return out;
    out.what = Decision::What::replace;
    out.record = entry.record;
    out.record.wish = {ask.node, ask.claim.priority, new_time(wall, wish.time)};
    out.grant.wanted_by = ask.node;
    return out;
}

// To nobody, or to the node that is named.
Book::Decision Book::give(const Entry& entry, const Ask& ask, kube::WallTime wall) {
    Decision out{Decision::What::replace, entry.record, told(ask, ask.claim.to)};
    Record& record = out.record;
    record.lease.renew_time = record.lease.acquire_time = new_time(wall, record.lease.renew_time);
    record.lease.holder = ask.claim.to;
    record.lease.duration = ask.duration;
    record.priority = !ask.claim.to.empty() && record.wish.node == ask.claim.to ? record.wish.priority : uint8_t{0};
    record.instance.clear();
    record.wish = {};
    if (!ask.claim.to.empty()) ++record.lease.transitions;
    return out;
}

std::vector<Record> Book::left_over(const std::bitset<256>& used, TimePoint now) const {
    std::vector<Record> out;
    for (size_t id = 1; id < entries_.size(); ++id) {
        const Entry& entry = entries_[id];
        if (entry.present && !used[id] && !is_held(entry, Milliseconds{0}, now)) out.push_back(entry.record);
    }
    return out;
}

size_t Book::held(TimePoint now) const {
    return static_cast<size_t>(std::count_if(entries_.begin(), entries_.end(), [now](const Entry& entry) {
        return entry.present && is_held(entry, Milliseconds{0}, now);
    }));
}

}  // namespace steelyard::viplease
