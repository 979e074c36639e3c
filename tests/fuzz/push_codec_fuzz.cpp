// Whatever arrives as a frame, at either end or in a file: no crash, bounded errors, and what is accepted survives a
// round trip through our own encoder.
#include <cstdlib>
#include <string_view>

#include "common/push/codec.hpp"

namespace {

using namespace steelyard;

void check_failure(const push::DecodeFailure& failure) {
    if (failure.problems.empty() || failure.problems.errors().size() > config::kMaxProblems) std::abort();
    if (failure.refusable && failure.version.empty()) std::abort();
    for (const auto& error : failure.problems.errors()) {
        if (error.problem.empty() || error.problem.size() > 4096) std::abort();
    }
}

void round_trip(const push::Delta& delta) {
    auto writer = push::FrameWriter::delta(delta.base, delta.version);
    for (const auto& resource : delta.upsert) writer.upsert(resource);
    for (const auto& key : delta.remove) writer.remove(key);
    const auto back = push::decode_from_controller(writer.finish());
    if (back.index() != 0) std::abort();
    const auto& again = std::get<push::Delta>(std::get<0>(back));
    if (again.base != delta.base || again.version != delta.version || again.upsert != delta.upsert ||
        again.remove != delta.remove) {
        std::abort();
    }
}

template <class M>
void check_encodable(const M& message) {
    if (push::decode_from_proxy(push::encode(message)).index() != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view frame{reinterpret_cast<const char*>(data), size};

    const auto pushed = push::decode_from_controller(frame);
    if (const auto* failure = std::get_if<push::DecodeFailure>(&pushed)) {
        check_failure(*failure);
    } else if (const auto* delta = std::get_if<push::Delta>(&std::get<0>(pushed))) {
        round_trip(*delta);
    } else if (const auto* snapshot = std::get_if<push::Snapshot>(&std::get<0>(pushed))) {
        round_trip({"b", snapshot->version, snapshot->upsert, {}});
    }

    if (const auto* message = std::get_if<0>(&pushed)) {
        if (const auto* trust = std::get_if<push::Trust>(message)) {
            const auto back = push::decode_from_controller(push::encode(*trust));
            if (back.index() != 0 || std::get<push::Trust>(std::get<0>(back)).ca != trust->ca) std::abort();
        } else if (const auto* refused = std::get_if<push::Refused>(message)) {
            const auto back = push::decode_from_controller(push::encode(*refused));
            if (back.index() != 0 || std::get<push::Refused>(std::get<0>(back)).wants != refused->wants) std::abort();
        } else if (const auto* grant = std::get_if<push::Grant>(message)) {
            const auto back = push::decode_from_controller(push::encode(*grant));
            if (back.index() != 0 || std::get<push::Grant>(std::get<0>(back)) != *grant) std::abort();
        }
    }

    const auto said = push::decode_from_proxy(frame);
    if (const auto* failure = std::get_if<push::DecodeFailure>(&said)) {
        check_failure(*failure);
    } else {
        std::visit([](const auto& message) { check_encodable(message); }, std::get<0>(said));
    }

    const auto file = push::decode_snapshot_file(frame);
    if (const auto* failure = std::get_if<push::DecodeFailure>(&file)) check_failure(*failure);
    return 0;
}
