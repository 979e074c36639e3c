#include "controller/translate/fingerprint.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include "common/config/codec.hpp"

namespace steelyard::translate {
namespace {

class Mixer {
public:
    template <class... Values>
    void add(const Values&... values) {
        (one(values), ...);
    }
    uint64_t value() const { return state_; }

private:
    template <class T>
    requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) void one(T value) { mix(static_cast<uint64_t>(value)); }
    void one(std::string_view text) { mix(std::hash<std::string_view>{}(text)); }

    // Multiply and fold, so that every bit of the input reaches every bit of the state (as splitmix64 finishes).
    void mix(uint64_t value) {
        state_ = (state_ ^ value) + 0x9e3779b97f4a7c15U;
        state_ = (state_ ^ (state_ >> 30)) * 0xbf58476d1ce4e5b9U;
        state_ = (state_ ^ (state_ >> 27)) * 0x94d049bb133111ebU;
        state_ ^= state_ >> 31;
    }

    uint64_t state_ = 0;
};

// These are few and have many fields: the text that is pushed says them all.
void add(Mixer& mixer, const config::Upstream& upstream) {
    std::string json;
    config::append_json(json, upstream);
    mixer.add(json, upstream.export_to.size());
    for (const std::string& ns : upstream.export_to) mixer.add(ns);
}

void add(Mixer& mixer, const config::EndpointSlice& slice) {
    mixer.add(slice.upstream, slice.slice, slice.endpoints.size());
    for (const config::Endpoint& endpoint : slice.endpoints) {
        mixer.add(endpoint.address, endpoint.port, endpoint.weight, endpoint.zone, endpoint.node, endpoint.state,
                  endpoint.priority);
    }
}

template <class R>
void add_json(Mixer& mixer, const R& resource) {
    std::string json;
    config::append_json(json, resource);
    mixer.add(json);
}

void add(Mixer& mixer, const config::Listener& listener) { add_json(mixer, listener); }
void add(Mixer& mixer, const config::VirtualIp& ip) { add_json(mixer, ip); }

}  // namespace

uint64_t fingerprint(const config::Resource& resource) {
    Mixer mixer;
    mixer.add(resource.index());
    std::visit([&](const auto& value) { add(mixer, value); }, resource);
    return mixer.value();
}

}  // namespace steelyard::translate
