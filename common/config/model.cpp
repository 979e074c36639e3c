#include "common/config/model.hpp"

#include <array>
#include <utility>

namespace steelyard::config {
namespace {

template <class E, size_t N>
using Names = std::array<std::pair<E, std::string_view>, N>;

constexpr Names<Protocol, 2> kProtocols{{{Protocol::tcp, "tcp"}, {Protocol::http, "http"}}};
constexpr Names<Algorithm, 7> kAlgorithms{{{Algorithm::round_robin, "round-robin"},
                                           {Algorithm::weighted_round_robin, "weighted-round-robin"},
                                           {Algorithm::least_request, "least-request"},
                                           {Algorithm::ring_hash, "ring-hash"},
                                           {Algorithm::random, "random"},
                                           {Algorithm::maglev, "maglev"},
                                           {Algorithm::least_response_time, "least-response-time"}}};
constexpr Names<HashKey::Source, 4> kHashSources{{{HashKey::Source::client_ip, "client-ip"},
                                                  {HashKey::Source::header, "header"},
                                                  {HashKey::Source::cookie, "cookie"},
                                                  {HashKey::Source::query, "query"}}};
constexpr Names<EndpointState, 2> kStates{{{EndpointState::ready, "ready"}, {EndpointState::draining, "draining"}}};
constexpr Names<HealthCheck::Type, 2> kCheckTypes{{{HealthCheck::Type::tcp, "tcp"}, {HealthCheck::Type::http, "http"}}};

template <class E, size_t N>
std::string_view name_of(const Names<E, N>& names, E value) {
    for (const auto& [candidate, name] : names) {
        if (candidate == value) return name;
    }
    return "";
}

template <class E, size_t N>
std::optional<E> value_of(const Names<E, N>& names, std::string_view text) {
    for (const auto& [value, name] : names) {
        if (name == text) return value;
    }
    return std::nullopt;
}

struct KeyOf {
    ResourceKey operator()(const Listener& l) const { return {"listener", l.name, ""}; }
    ResourceKey operator()(const Upstream& u) const { return {"upstream", u.name, ""}; }
    ResourceKey operator()(const EndpointSlice& s) const { return {"endpoints", s.upstream, s.slice}; }
};

}  // namespace

ResourceKey key_of(const Resource& resource) { return std::visit(KeyOf{}, resource); }

std::string_view to_string(Protocol value) { return name_of(kProtocols, value); }
std::string_view to_string(Algorithm value) { return name_of(kAlgorithms, value); }
std::string_view to_string(EndpointState value) { return name_of(kStates, value); }
std::string_view to_string(HashKey::Source value) { return name_of(kHashSources, value); }
std::string_view to_string(HealthCheck::Type value) { return name_of(kCheckTypes, value); }
std::optional<Protocol> parse_protocol(std::string_view text) { return value_of(kProtocols, text); }
std::optional<Algorithm> parse_algorithm(std::string_view text) { return value_of(kAlgorithms, text); }
std::optional<EndpointState> parse_endpoint_state(std::string_view text) { return value_of(kStates, text); }
std::optional<HashKey::Source> parse_hash_source(std::string_view text) { return value_of(kHashSources, text); }
std::optional<HealthCheck::Type> parse_health_check_type(std::string_view text) { return value_of(kCheckTypes, text); }

}  // namespace steelyard::config
