#include "common/config/policy.hpp"

#include "common/config/names.hpp"

namespace steelyard::config {
namespace {

constexpr Names<Algorithm, 8> kAlgorithms{{{Algorithm::round_robin, "round-robin"},
                                           {Algorithm::weighted_round_robin, "weighted-round-robin"},
                                           {Algorithm::least_request, "least-request"},
                                           {Algorithm::ring_hash, "ring-hash"},
                                           {Algorithm::random, "random"},
                                           {Algorithm::maglev, "maglev"},
                                           {Algorithm::least_response_time, "least-response-time"},
                                           {Algorithm::least_connections, "least-connections"}}};
constexpr Names<HashKey::Source, 4> kHashSources{{{HashKey::Source::client_ip, "client-ip"},
                                                  {HashKey::Source::header, "header"},
                                                  {HashKey::Source::cookie, "cookie"},
                                                  {HashKey::Source::query, "query"}}};
constexpr Names<HealthCheck::Type, 2> kCheckTypes{{{HealthCheck::Type::tcp, "tcp"}, {HealthCheck::Type::http, "http"}}};
constexpr Names<Locality::Mode, 3> kModes{{{Locality::Mode::none, "none"},
                                           {Locality::Mode::same_zone, "prefer-same-zone"},
                                           {Locality::Mode::same_node, "prefer-same-node"}}};
constexpr Names<ProxyProtocol, 3> kProxyProtocols{
    {{ProxyProtocol::none, "none"}, {ProxyProtocol::v1, "v1"}, {ProxyProtocol::v2, "v2"}}};
constexpr Names<HeaderEdit::Kind, 3> kEdits{
    {{HeaderEdit::Kind::set, "set"}, {HeaderEdit::Kind::add, "add"}, {HeaderEdit::Kind::remove, "remove"}}};
constexpr Names<Coding, 3> kCodings{{{Coding::gzip, "gzip"}, {Coding::brotli, "br"}, {Coding::zstd, "zstd"}}};

}  // namespace

std::string_view to_string(Algorithm value) { return name_of(kAlgorithms, value); }
std::string_view to_string(HashKey::Source value) { return name_of(kHashSources, value); }
std::string_view to_string(HealthCheck::Type value) { return name_of(kCheckTypes, value); }
std::string_view to_string(Locality::Mode value) { return name_of(kModes, value); }
std::string_view to_string(ProxyProtocol value) { return name_of(kProxyProtocols, value); }
std::string_view to_string(HeaderEdit::Kind value) { return name_of(kEdits, value); }
std::string_view to_string(Coding value) { return name_of(kCodings, value); }
std::optional<Algorithm> parse_algorithm(std::string_view text) { return value_of(kAlgorithms, text); }
std::optional<HashKey::Source> parse_hash_source(std::string_view text) { return value_of(kHashSources, text); }
std::optional<HealthCheck::Type> parse_health_check_type(std::string_view text) { return value_of(kCheckTypes, text); }
std::optional<Locality::Mode> parse_locality_mode(std::string_view text) { return value_of(kModes, text); }
std::optional<ProxyProtocol> parse_proxy_protocol(std::string_view text) { return value_of(kProxyProtocols, text); }
std::optional<HeaderEdit::Kind> parse_header_edit_kind(std::string_view text) { return value_of(kEdits, text); }
std::optional<Coding> parse_coding(std::string_view text) { return value_of(kCodings, text); }

}  // namespace steelyard::config
