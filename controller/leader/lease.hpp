#pragma once
// The coordination.k8s.io/v1 Lease that says who leads, as far as an election needs it. Times in a Lease are for people:
// whoever waits for one to end counts from when it saw it change (machine.hpp), so clocks need not agree. Pure.
#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace steelyard::leader {

struct Lease {
    std::string holder;  // empty: nobody, it was released or never held
    Milliseconds duration{0};
    std::string acquire_time;  // RFC 3339 with microseconds, as the API has it
    std::string renew_time;
    int64_t transitions = 0;
    std::string resource_version;
    std::string object;  // the JSON it was read from: what we do not know of it stays as it is; empty: not made yet

    // Is what is held, and until when, the same?
    bool same_record(const Lease& other) const {
        return holder == other.holder && duration == other.duration && acquire_time == other.acquire_time &&
               renew_time == other.renew_time && transitions == other.transitions;
    }
};

// What an object says as a Lease, whatever it is: one without a spec is held by nobody.
Lease lease_of(const nlohmann::json& object);
// An error if the text is no Lease.
Result<Lease> decode_lease(std::string_view json);
std::string encode_lease(const Lease& lease, const std::string& ns, const std::string& name);

struct LeaseEvent {
    enum class Type : uint8_t { changed, deleted, bookmark, error };
    Type type = Type::error;
    Lease lease;
    int error_code = 0;
    std::string error_message;
};
// One line of a watch of Leases.
Result<LeaseEvent> decode_lease_event(std::string_view line);

}  // namespace steelyard::leader
