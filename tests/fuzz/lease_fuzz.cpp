// What an API server, or something in its place, may say of a Lease: the controllers' own and a virtual router's. No crash; what was read is
// written back as it was, but for what the writer owns, and read again the same.
#include <cstdlib>

#include "controller/leader/lease.hpp"
#include "controller/viplease/record.hpp"

namespace {

using namespace steelyard;

void check(bool good) {
    if (!good) std::abort();
}

void check(const leader::Lease& lease) {
    check(lease.duration.count() >= 0 && lease.transitions >= 0);
    const auto again = leader::decode_lease(leader::encode_lease(lease, "ns", "name"));
    check(again && again->same_record(lease) && again->resource_version == lease.resource_version);
}

void check(const viplease::Record& record) {
    check(record.router_id != 0);
    check(record.lease);
    const auto again = viplease::decode_record(viplease::encode_record(record, "ns"));
    check(again && again->router_id == record.router_id && again->lease.same_record(record.lease));
    check(again->priority == record.priority && again->instance == record.instance);
    check(record.instance.empty() || again->claim == record.claim);
    check(record.wish.node.empty() || again->wish == record.wish);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto lease = leader::decode_lease(text)) check(*lease);
    if (const auto event = leader::decode_lease_event(text)) {
        check(event->error_message.size() <= size);
        if (event->type == leader::LeaseEvent::Type::changed) check(event->lease);
    }
    if (const auto record = viplease::decode_record(text)) check(*record);
    if (const auto list = viplease::decode_records(text)) {
        for (const auto& record : list->records) check(record);
    }
    if (const auto event = viplease::decode_event(text)) {
        if (event->type == viplease::RecordEvent::Type::changed) check(event->record);
    }
    return 0;
}
