#pragma once
// The Lease of one virtual router, as the API has it: coordination.k8s.io/v1, named steelyard-vip-<router id>, with the label
// steelyard.dev/virtual-router-id. Its holder is a node's name, "" if it is free. What a Lease has no field for is in annotations: the
// holder's priority and instance, and who else asks for it. What somebody else has written there stays. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/leader/lease.hpp"

namespace steelyard::viplease {

inline constexpr std::string_view kLabel = "steelyard.dev/virtual-router-id";

// A node that asks for what another one of lower priority holds. `time` changes each time that it is repeated.
struct Wish {
    std::string node;  // "": nobody asks
    uint8_t priority = 0;
    std::string time;

    friend bool operator==(const Wish&, const Wish&) = default;
};

struct Record {
    uint8_t router_id = 0;
    leader::Lease lease;
    uint8_t priority = 0;  // the holder's; 0: not known
    std::string instance;  // the holder's process that claimed it; "": none has yet
    uint64_t claim = 0;    // the id of that claim
    Wish wish;
};

std::string name_of(uint8_t router_id);
// nullopt: no name of ours.
std::optional<uint8_t> router_id_of(std::string_view name);

Result<Record> decode_record(std::string_view json);
std::string encode_record(const Record& record, const std::string& ns);

struct RecordList {
    std::vector<Record> records;  // those with a name of ours
    std::string resource_version;
};
Result<RecordList> decode_records(std::string_view json);

struct RecordEvent {
    enum class Type : uint8_t { changed, deleted, other, error };  // other: a bookmark, or none of our names
    Type type = Type::other;
    Record record;
    int error_code = 0;
    std::string error_message;
};
// One line of a watch.
Result<RecordEvent> decode_event(std::string_view line);

}  // namespace steelyard::viplease
