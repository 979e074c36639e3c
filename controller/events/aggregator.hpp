#pragma once
// Decides what is written for what was recorded: the first of a kind makes an Event, repeats are counted and written as its
// series at most once an interval, and one object cannot flood the cluster (a token bucket each, as client-go's spam
// filter). An Event's name is a hash of what it says, so that replicas and a restarted controller meet
// in one object. Pure: never does I/O, never reads a clock; one thread. Bounded by Limits::max_kinds.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/clock.hpp"
#include "controller/events/event.hpp"

namespace steelyard::events {

struct Limits {
    Milliseconds series_interval{10'000};  // between two writes of one series
    double object_burst = 25;              // new Events about one object at once
    Milliseconds object_refill{300'000};   // one more
    size_t max_kinds = 4096;               // Events and objects remembered
};

// The Event's metadata.name: the object's name and 16 digits; two specs that differ in more than the time differ here.
std::string event_name(const EventSpec& event);
// What is longer than the API allows is cut, control characters become spaces.
EventSpec fit(EventSpec event);

class Aggregator {
public:
    struct Write {
        EventSpec event;
        std::string name;
        uint64_t more = 0;  // 0: make the Event; else: so many more were seen
    };

    explicit Aggregator(Limits limits = {}) : limits_(limits) {}

    // What is to be written now, if anything.
    std::optional<Write> observe(EventSpec event, TimePoint now);
    // Series that are due.
    std::vector<Write> due(TimePoint now);
    std::optional<TimePoint> next_due() const;
    uint64_t suppressed() const { return suppressed_; }  // by the bucket, or repeats of a `once`

private:
    struct Bucket {
        double tokens = 0;
        TimePoint at{};
    };
    struct Seen {
        EventSpec event;
        TimePoint written{};
        TimePoint last{};
        uint64_t more = 0;  // seen since
    };

    bool admit(const EventSpec& event, TimePoint now);
    void make_room();

    const Limits limits_;
    std::unordered_map<std::string, Seen> seen_;  // by event_name
    std::unordered_map<std::string, Bucket> objects_;
    uint64_t suppressed_ = 0;
};

}  // namespace steelyard::events
