#pragma once
// What one replica knows of the virtual routers' Leases, and what it does about a claim. Any replica may: a write carries the resource
// version that was decided on, so the API server lets one of several through.
//
// Never two holders: who holds a Lease was granted it for its duration from when it sent its claim, by its own clock. A replica gives it to
// another only when it has seen no sign of life for that long and a hundredth more, by its own clock, which began later: when it saw the
// effect. Clocks need not agree, they only have to run alike; and of what a replica has not seen it cannot overwrite anything. A
// Lease that is deleted counts as held until then as well; its holder may make it anew at once.
//
// Pure: never does I/O, never reads a clock. One thread at a time.
#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/push/message.hpp"
#include "controller/kube/micro_time.hpp"
#include "controller/viplease/record.hpp"

namespace steelyard::viplease {

struct Ask {
    push::LeaseClaim claim;
    Milliseconds duration{
        0};  // for how long it is to be held: whole seconds, or it counts as held for longer by others
    std::string node, instance;  // the claimant
    uint64_t id = 0;             // of the claim: rises with each of the instance's
};

class Book {
public:
    struct Decision {
        enum class What : uint8_t { answer, create, replace };
        What what = What::answer;
        Record record;           // to be written
        push::LeaseGrant grant;  // to be told, after the write if there is one
    };

    // What was read, written or seen by a watch. What is older than what is known is passed over.
    void on_record(Record record, TimePoint now);
    void on_list(std::vector<Record> records, TimePoint now);  // all there are
    void on_absent(uint8_t router_id, TimePoint now);          // it was not found
    void on_deleted(const Record& last, TimePoint now);

    Decision decide(const Ask& ask, TimePoint now, kube::WallTime wall) const;

    // Those that nobody holds any more, of routers that are not `used`.
    std::vector<Record> left_over(const std::bitset<256>& used, TimePoint now) const;
    size_t held(TimePoint now) const;

private:
    struct Entry {
        Record record;  // as last seen; of one that is gone, too
        bool present = false;
        TimePoint seen_at{};  // the holder's last sign of life
        TimePoint wish_at{};  // the wish's
    };

    static bool is_held(const Entry& entry, Milliseconds duration, TimePoint now);
    static bool is_wanted(const Entry& entry, Milliseconds duration, TimePoint now);
    static Decision take(const Entry& entry, const Ask& ask, TimePoint now, kube::WallTime wall);
    static Decision ask_for(const Entry& entry, const Ask& ask, TimePoint now, kube::WallTime wall);
    static Decision give(const Entry& entry, const Ask& ask, kube::WallTime wall);

    std::array<Entry, 256> entries_;  // by router id
};

}  // namespace steelyard::viplease
