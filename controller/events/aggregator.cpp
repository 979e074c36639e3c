#include "controller/events/aggregator.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <utility>

namespace steelyard::events {
namespace {

constexpr size_t kMaxNote = 1024, kMaxWord = 128, kMaxName = 253, kDigits = 16;

// FNV-1a, 64 bits (draft-eastlake-fnv), with a separator a field.
class Hash {
public:
    Hash& add(const std::string& text) {
        for (const char c : text) step(static_cast<unsigned char>(c));
        step(0);
        return *this;
    }
    std::string digits() const {
        char out[kDigits + 1];
        std::snprintf(out, sizeof(out), "%016llx", static_cast<unsigned long long>(state_));
        return out;
    }

private:
    void step(unsigned char byte) { state_ = (state_ ^ byte) * 1099511628211ULL; }
    uint64_t state_ = 14695981039346656037ULL;
};

std::string object_of(const Regarding& regarding) {
    return regarding.kind + "/" + regarding.ns + "/" + regarding.name + "/" + regarding.uid;
}

// Not within a UTF-8 character.
void cut(std::string& text, size_t size) {
    if (text.size() <= size) return;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
    text.resize(size);
}

}  // namespace

std::string event_name(const EventSpec& event) {
    Hash hash;
    hash.add(event.regarding.api_version).add(object_of(event.regarding)).add(event.reason).add(event.note);
    hash.add(event.action).add(event.type == Severity::warning ? "Warning" : "Normal");
    std::string name;
    for (const char c : event.regarding.name) {
        const auto byte = static_cast<unsigned char>(c);
        name += std::isalnum(byte) != 0 || c == '-' || c == '.' ? static_cast<char>(std::tolower(byte)) : '-';
    }
    name.resize(std::min(name.size(), kMaxName - kDigits - 1));
    while (!name.empty() && std::isalnum(static_cast<unsigned char>(name.back())) == 0) name.pop_back();
    while (!name.empty() && std::isalnum(static_cast<unsigned char>(name.front())) == 0) name.erase(0, 1);
    return (name.empty() ? "event" : name) + "." + hash.digits();
}

EventSpec fit(EventSpec event) {
    for (char& c : event.note) {
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    }
    cut(event.note, kMaxNote);
    cut(event.reason, kMaxWord);
    cut(event.action, kMaxWord);
    return event;
}

bool Aggregator::admit(const EventSpec& event, TimePoint now) {
    if (objects_.size() >= limits_.max_kinds) {
        // A bucket that is full again says nothing that a new one would not.
        const Duration full = limits_.object_refill * static_cast<int64_t>(limits_.object_burst);
        std::erase_if(objects_, [&](const auto& entry) { return now - entry.second.at >= full; });
        if (objects_.size() >= limits_.max_kinds) objects_.clear();
    }
    Bucket& bucket = objects_.try_emplace(object_of(event.regarding), Bucket{limits_.object_burst, now}).first->second;
    const double passed =
        std::chrono::duration<double>(now - bucket.at) / std::chrono::duration<double>(limits_.object_refill);
    bucket.tokens = std::min(limits_.object_burst, bucket.tokens + std::max(0.0, passed));
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
}

// The half that was seen longest ago is forgotten; what comes again then meets its Event by name.
void Aggregator::make_room() {
    if (seen_.size() < limits_.max_kinds) return;
    std::vector<TimePoint> times;
    times.reserve(seen_.size());
    for (const auto& [name, seen] : seen_) times.push_back(seen.last);
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    std::erase_if(seen_, [limit = *middle](const auto& entry) { return entry.second.last <= limit; });
}

std::optional<Aggregator::Write> Aggregator::observe(EventSpec event, TimePoint now) {
    event = fit(std::move(event));
    std::string name = event_name(event);
    if (const auto found = seen_.find(name); found != seen_.end()) {
        Seen& seen = found->second;
        seen.last = now;
        if (event.once) {
            ++suppressed_;
            return std::nullopt;
        }
        ++seen.more;
        if (now - seen.written < limits_.series_interval) return std::nullopt;
        seen.written = now;
        return Write{std::move(event), std::move(name), std::exchange(seen.more, 0)};
    }
    if (!admit(event, now)) {
        ++suppressed_;
        return std::nullopt;
    }
    make_room();
    seen_[name] = Seen{event, now, now, 0};
    return Write{std::move(event), std::move(name), 0};
}

std::vector<Aggregator::Write> Aggregator::due(TimePoint now) {
    std::vector<Write> out;
    for (auto& [name, seen] : seen_) {
        if (seen.more == 0 || now - seen.written < limits_.series_interval) continue;
        seen.written = now;
        out.push_back({seen.event, name, std::exchange(seen.more, 0)});
    }
    return out;
}

std::optional<TimePoint> Aggregator::next_due() const {
    std::optional<TimePoint> next;
    for (const auto& [name, seen] : seen_) {
        if (seen.more == 0) continue;
        const TimePoint at = seen.written + limits_.series_interval;
        next = next ? std::min(*next, at) : at;
    }
    return next;
}

}  // namespace steelyard::events
