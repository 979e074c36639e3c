#include "common/config/codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace steelyard::config {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string encoded(const Resource& resource) {
    std::string out;
    append_json(out, resource);
    return out;
}

Resource decoded(const std::string& text) {
    Problems problems;
    auto resource = decode_resource(json::parse(text), Path{}, problems);
    if (!problems.empty()) ADD_FAILURE() << problems.first().to_string();
    return resource.value_or(Resource{});
}

std::string problem_of(const std::string& text) {
    Problems problems;
    const Path top;
    const Path upsert{top, "upsert"};
    const auto resource = decode_resource(json::parse(text), upsert[0], problems);
    EXPECT_FALSE(resource) << text;
    return problems.empty() ? "" : problems.first().to_string();
}

TEST(ConfigCodec, AnEndpointSliceOmitsWhatIsDefault) {
    const EndpointSlice slice{
        "shop/web:http",
        "web-1",
        {{"10.0.0.1", 8000, 5, "a", "n1", EndpointState::draining}, {"fd00::1", 8000, 1, "", "", {}}}};
    EXPECT_EQ(encoded(slice),
              R"({"kind":"endpoints","upstream":"shop/web:http","slice":"web-1","endpoints":[)"
              R"({"address":"10.0.0.1","port":8000,"weight":5,"zone":"a","node":"n1","state":"draining"},)"
              R"({"address":"fd00::1","port":8000}]})");
    EXPECT_EQ(decoded(encoded(slice)), Resource{slice});
    EXPECT_GE(json_size_hint(slice), encoded(slice).size());
}

TEST(ConfigCodec, AnUpstreamWithEveryFieldComesBackAsItWas) {
    Upstream upstream{"shop/web:http", Protocol::http, {}, {"shop/web:80"}, {"10.96.0.7", "fd00::7"}, 80};
    upstream.policy.algorithm = Algorithm::ring_hash;
    upstream.policy.virtual_nodes = 7;
    upstream.policy.hash = {HashKey::Source::header, "x-user"};
    upstream.policy.drain_timeout_ms = 1;
    upstream.policy.health_check = HealthCheck{
        HealthCheck::Type::http, 2000, 300, 1, 5, 0, "/healthz?x=1", "shop.example", {{200, 204}, {404, 404}}};
    EXPECT_EQ(decoded(encoded(upstream)), Resource{upstream});
}

TEST(ConfigCodec, ToWhomAnUpstreamIsExportedIsNeverEncodedOrRead) {
    const Upstream upstream{"a/b:c", Protocol::tcp, {}, {}, {}, 0, {"billing"}};
    EXPECT_EQ(encoded(upstream), encoded(Upstream{"a/b:c", Protocol::tcp, {}, {}}));
    EXPECT_EQ(decoded(R"({"kind":"upstream","name":"a/b:c","export_to":["*"]})"),
              Resource(Upstream{"a/b:c", Protocol::tcp, {}, {}}));
}

TEST(ConfigCodec, ClusterAddressesThatAreNoneAreNamed) {
    EXPECT_EQ(problem_of(R"({"kind":"upstream","name":"a/b:c","addresses":["10.96.0.1",7],"port":80})"),
              "upsert[0].addresses[1]: is a number, not a string");
    EXPECT_EQ(problem_of(R"({"kind":"upstream","name":"a/b:c","addresses":["10.96.0.x"],"port":80})"),
              "upsert[0].addresses[0]: '10.96.0.x' is not an IP address");
    EXPECT_EQ(problem_of(R"({"kind":"upstream","name":"a/b:c","addresses":["0.0.0.0"],"port":80})"),
              "upsert[0].addresses[0]: '0.0.0.0' is not the address of a Service");
    EXPECT_EQ(problem_of(R"({"kind":"upstream","name":"a/b:c","addresses":["10.96.0.1"],"port":0})"),
              "upsert[0].port: 0 is not a port (1-65535)");
    EXPECT_EQ(problem_of(R"({"kind":"upstream","name":"a/b:c","addresses":["10.96.0.1"]})"),
              "upsert[0].port: is missing beside addresses");
}

TEST(ConfigCodec, EveryAlgorithmAndHealthCheckTypeComesBack) {
    for (const auto algorithm :
         {Algorithm::round_robin, Algorithm::weighted_round_robin, Algorithm::least_request, Algorithm::ring_hash,
          Algorithm::random, Algorithm::maglev, Algorithm::least_response_time, Algorithm::least_connections}) {
        Upstream upstream{"a/b:c", Protocol::tcp, {}, {}};
        upstream.policy.algorithm = algorithm;
        upstream.policy.health_check = HealthCheck{};
        EXPECT_EQ(decoded(encoded(upstream)), Resource{upstream});
    }
}

TEST(ConfigCodec, EverySourceOfAHashKeyComesBackUnderItsOwnName) {
    for (const auto& key : {HashKey{}, HashKey{HashKey::Source::header, "x-user"},
                            HashKey{HashKey::Source::cookie, "Sid"}, HashKey{HashKey::Source::query, "user[id]"}}) {
        Upstream upstream{"a/b:c", Protocol::http, {}, {}};
        upstream.policy.algorithm = Algorithm::maglev;
        upstream.policy.hash = key;
        upstream.policy.table_size = 251;
        upstream.policy.load_factor_percent = 125;
        EXPECT_EQ(decoded(encoded(upstream)), Resource{upstream}) << encoded(upstream);
    }
    Upstream upstream{"a/b:c", Protocol::http, {}, {}};
    upstream.policy.algorithm = Algorithm::maglev;
    upstream.policy.hash = {HashKey::Source::cookie, "sid"};
    EXPECT_THAT(encoded(upstream), HasSubstr(R"({"algorithm":"maglev","hash":{"source":"cookie","cookie":"sid"},)"));
}

TEST(ConfigCodec, AbsentPolicyFieldsTakeTheModelsDefaults) {
    EXPECT_EQ(decoded(R"({"kind":"upstream","name":"a/b:c"})"), Resource(Upstream{"a/b:c", Protocol::tcp, {}, {}}));
    const auto upstream = std::get<Upstream>(decoded(
        R"({"kind":"upstream","name":"a/b:c","protocol":"http","policy":{"health_check":{"type":"http","expected":["200","300-399"]}}})"));
    HealthCheck expected;
    expected.type = HealthCheck::Type::http;
    expected.expected = {{200, 200}, {300, 399}};
    EXPECT_EQ(upstream.policy.health_check, expected);
}

TEST(ConfigCodec, AListenerComesBack) {
    const Listener listener{"web", "127.0.0.1", 8080, Protocol::http, "shop/web:http"};
    EXPECT_EQ(encoded(listener),
              R"({"kind":"listener","name":"web","address":"127.0.0.1","port":8080,"protocol":"http",)"
              R"("upstream":"shop/web:http"})");
    EXPECT_EQ(decoded(encoded(listener)), Resource{listener});
}

TEST(ConfigCodec, AnEdgesListenerComesBack) {
    const Listener listener{"vip/shop/web:http/tcp@192.0.2.7", "192.0.2.7", 80,  Protocol::tcp, "shop/web:http",
                            {"10.0.0.0/8", "fd00::/8"},        true,        true};
    EXPECT_THAT(encoded(listener),
                HasSubstr(R"("source_ranges":["10.0.0.0/8","fd00::/8"],"local_only":true,"transparent":true})"));
    EXPECT_EQ(decoded(encoded(listener)), Resource{listener});
}

VirtualIp full_virtual_ip() {
    VirtualIp ip;
    ip.name = "shop/web";
    ip.addresses = {"192.0.2.7", "2001:db8::7"};
    ip.router_id = 255;
    ip.interfaces = {"eth*", "bond0"};
    ip.nodes = {"worker-1"};
    ip.local_upstreams = {"shop/web:http"};
    ip.advertisement_interval_ms = 40'950;
    ip.preempt_delay_ms = 5000;
    ip.preempt = false;
    ip.accept = false;
    ip.peers = {"10.0.0.2"};
    ip.lease_duration_ms = 60'000;
    return ip;
}

TEST(ConfigCodec, AVirtualIpComesBackWithItsDefaultsLeftOut) {
    EXPECT_EQ(decoded(encoded(full_virtual_ip())), Resource{full_virtual_ip()});
    VirtualIp least{"shop/web", {"192.0.2.7"}, 1};
    EXPECT_EQ(encoded(least), R"({"kind":"virtual_ip","name":"shop/web","addresses":["192.0.2.7"],"router_id":1,)"
                              R"("advertisement_interval_ms":100})");
    EXPECT_EQ(decoded(R"({"kind":"virtual_ip","name":"shop/web","addresses":["192.0.2.7"],"router_id":1})"),
              Resource{least});
}

TEST(ConfigCodec, AHeaderToHashByIsLowerCased) {
    const auto upstream = std::get<Upstream>(
        decoded(R"({"kind":"upstream","name":"a","policy":{"hash":{"source":"header","header":"X-User-Id"}}})"));
    EXPECT_EQ(upstream.policy.hash.name, "x-user-id");
}

TEST(ConfigCodec, UnknownFieldsAreIgnoredUnknownKindsAreNot) {
    decoded(R"({"kind":"upstream","name":"a","colour":{"r":1},"policy":{"mood":"good"}})");
    EXPECT_EQ(problem_of(R"({"kind":"routes","name":"a"})"),
              "upsert[0].kind: 'routes' is not a known kind (listener, upstream, endpoints, virtual_ip)");
}

struct Wrong {
    const char* text;
    const char* problem;
};

TEST(ConfigCodec, WhatIsWrongIsSaidWithItsPath) {
    const Wrong cases[] = {
        {R"(5)", "upsert[0]: is a number, not an object"},
        {R"({})", "upsert[0].kind: is missing"},
        {R"({"kind":1})", "upsert[0].kind: is a number, not a string"},
        {R"({"kind":"listener","port":1,"upstream":"u"})", "upsert[0].name: is missing"},
        {R"({"kind":"listener","name":"n","port":65536,"upstream":"u"})",
         "upsert[0].port: 65536 is not a listener's port (0-65535)"},
        {R"({"kind":"listener","name":"n","port":1,"upstream":"u","address":"localhost"})",
         "upsert[0].address: 'localhost' is not an IP address"},
        {R"({"kind":"listener","name":"n","port":1,"upstream":"u","source_ranges":["10.0.0.1/8"]})",
         "upsert[0].source_ranges[0]: '10.0.0.1/8' has address bits beyond its prefix; the network would be "
         "10.0.0.0/8"},
        {R"({"kind":"listener","name":"n","port":1,"upstream":"u","source_ranges":["10.0.0.1"]})",
         "upsert[0].source_ranges[0]: '10.0.0.1' lacks the length of its prefix, as in 10.0.0.0/8"},
        {R"({"kind":"listener","name":"n","port":1,"upstream":"u","local_only":1})",
         "upsert[0].local_only: is a number, not a boolean"},
        {R"({"kind":"virtual_ip","name":"n","router_id":1})", "upsert[0].addresses: is missing"},
        {R"({"kind":"virtual_ip","name":"n","router_id":1,"addresses":[]})", "upsert[0].addresses: is empty"},
        {R"({"kind":"virtual_ip","name":"n","router_id":256,"addresses":["192.0.2.7"]})",
         "upsert[0].router_id: 256 is not a virtual router id (1-255)"},
        {R"({"kind":"virtual_ip","name":"n","router_id":1,"addresses":["224.0.0.18"]})",
         "upsert[0].addresses[0]: '224.0.0.18' is not the address of a host"},
        {R"({"kind":"virtual_ip","name":"n","router_id":1,"addresses":["192.0.2.7"],"advertisement_interval_ms":15})",
         "upsert[0].advertisement_interval_ms: 15 is not a multiple of 10 (VRRP counts in centiseconds)"},
        {R"({"kind":"virtual_ip","name":"n","router_id":1,"addresses":["192.0.2.7"],"lease_duration_ms":999})",
         "upsert[0].lease_duration_ms: 999 is not a lease's duration in milliseconds (1000-60000)"},
        {R"({"kind":"virtual_ip","name":"n","router_id":1,"addresses":["192.0.2.7"],"interfaces":["a/b"]})",
         "upsert[0].interfaces[0]: 'a/b' is not the name of an interface (1-15 visible ASCII characters, no /; * is "
         "any)"},
        {R"({"kind":"virtual_ip","name":"n","router_id":1,"addresses":["192.0.2.7"],"peers":["web"]})",
         "upsert[0].peers[0]: 'web' is not an IP address"},
        {R"({"kind":"upstream","name":"u","protocol":"sctp"})",
         "upsert[0].protocol: 'sctp' is not one of tcp, http, udp"},
        {R"({"kind":"upstream","name":"u","policy":[]})", "upsert[0].policy: is a list, not an object"},
        {R"({"kind":"upstream","name":"u","policy":{"hash":{"source":"header"}}})",
         "upsert[0].policy.hash.header: is missing"},
        {R"({"kind":"upstream","name":"u","policy":{"algorithm":"fastest"}})",
         "upsert[0].policy.algorithm: 'fastest' is not one of round-robin, weighted-round-robin, least-request, "
         "ring-hash, random, maglev, least-response-time, least-connections"},
        {R"({"kind":"upstream","name":"u","policy":{"hash":{"source":"body"}}})",
         "upsert[0].policy.hash.source: 'body' is not one of client-ip, header, cookie, query"},
        {R"({"kind":"upstream","name":"u","policy":{"hash":{"source":"cookie","header":"x"}}})",
         "upsert[0].policy.hash.cookie: is missing"},
        {R"({"kind":"upstream","name":"u","policy":{"hash":{"source":"cookie","cookie":"a=b"}}})",
         "upsert[0].policy.hash.cookie: 'a=b' is not the name of a cookie"},
        {R"({"kind":"upstream","name":"u","policy":{"hash":{"source":"query","query":"a&b"}}})",
         "upsert[0].policy.hash.query: 'a&b' is not the name of a query parameter"},
        {R"({"kind":"upstream","name":"u","policy":{"table_size":65536}})",
         "upsert[0].policy.table_size: 65536 is not a prime (251-1048583)"},
        {R"({"kind":"upstream","name":"u","policy":{"load_factor_percent":99}})",
         "upsert[0].policy.load_factor_percent: 99 is not a percentage of a host's share (100-1000)"},
        {R"({"kind":"upstream","name":"u","policy":{"health_check":{"interval_ms":1}}})",
         "upsert[0].policy.health_check.interval_ms: 1 is not an interval in milliseconds (100-3600000)"},
        {R"({"kind":"upstream","name":"u","policy":{"health_check":{"expected":["2xx"]}}})",
         "upsert[0].policy.health_check.expected[0]: '2xx' is neither a status code (\"404\") nor a range of them "
         "(\"200-399\")"},
        {R"({"kind":"upstream","name":"u","policy":{"health_check":{"expected":["399-200"]}}})",
         "upsert[0].policy.health_check.expected[0]: '399-200' is not a range of status codes within 100-599"},
        {R"({"kind":"endpoints","upstream":"u","slice":"s"})", "upsert[0].endpoints: is missing"},
        {R"({"kind":"endpoints","upstream":"u","slice":"s","endpoints":{}})",
         "upsert[0].endpoints: is an object, not a list"},
        {R"({"kind":"endpoints","upstream":"u","slice":"s","endpoints":[{"port":1}]})",
         "upsert[0].endpoints[0].address: is missing"},
        {R"({"kind":"endpoints","upstream":"u","slice":"s","endpoints":[{"address":"10.0.0.1","port":1},{"address":"10.0.0.1","port":0}]})",
         "upsert[0].endpoints[1].port: 0 is not a port (1-65535)"},
        {R"({"kind":"endpoints","upstream":"u","slice":"s","endpoints":[{"address":"10.0.0.1","port":1,"weight":-1}]})",
         "upsert[0].endpoints[0].weight: -1 is not a weight (0-1000000)"},
        {R"({"kind":"endpoints","upstream":"u","slice":"s","endpoints":[{"address":"10.0.0.1","port":1,"weight":1e9}]})",
         "upsert[0].endpoints[0].weight: 1000000000.0 is not a weight (0-1000000)"},
        {R"({"kind":"endpoints","upstream":"u","slice":"s","endpoints":[{"address":"web.shop","port":1}]})",
         "upsert[0].endpoints[0].address: 'web.shop' is not an IP address"},
        {R"({"kind":"endpoints","upstream":"u","slice":"s","endpoints":[{"address":"10.0.0.1","port":1,"state":"up"}]})",
         "upsert[0].endpoints[0].state: 'up' is not one of ready, draining"},
    };
    for (const auto& [text, problem] : cases) EXPECT_EQ(problem_of(text), problem) << text;
}

TEST(ConfigCodec, ProblemsAreCountedButOnlyTheFirstKept) {
    json slice = {{"kind", "endpoints"}, {"upstream", "u"}, {"slice", "s"}, {"endpoints", json::array()}};
    for (int i = 0; i < 500; ++i) slice["endpoints"].push_back({{"address", "x"}, {"port", 0}});
    Problems problems;
    EXPECT_FALSE(decode_resource(slice, Path{}, problems));
    EXPECT_EQ(problems.errors().size(), kMaxProblems);
    EXPECT_THAT(problems.first().problem, HasSubstr(" more)"));
}

TEST(ConfigCodec, ASliceOfMoreThanAThousandEndpointsIsRefused) {
    json slice = {{"kind", "endpoints"}, {"upstream", "u"}, {"slice", "s"}, {"endpoints", json::array()}};
    for (int i = 0; i < 1001; ++i) slice["endpoints"].push_back({{"address", "10.0.0.1"}, {"port", 1}});
    EXPECT_EQ(problem_of(slice.dump()), "upsert[0].endpoints: 1001 elements; at most 1000 are allowed");
}

TEST(ConfigCodec, KeysComeBackAndNameWhatTheyLack) {
    for (const ResourceKey& key : {ResourceKey{"endpoints", "a/b:c", "s"}, ResourceKey{"upstream", "a/b:c", ""},
                                   ResourceKey{"listener", "l", ""}, ResourceKey{"virtual_ip", "a/b", ""}}) {
        std::string out;
        append_json(out, key);
        Problems problems;
        EXPECT_EQ(decode_key(json::parse(out), Path{}, problems), key);
    }
    Problems problems;
    EXPECT_FALSE(decode_key(json::parse(R"({"kind":"endpoints","upstream":"u"})"), Path{}, problems));
    EXPECT_EQ(problems.first().to_string(), "slice: is missing");
}

TEST(ConfigCodec, AnyBytesEncodeToValidJson) {
    for (const std::string& text : {std::string("a\"b\\c\n\t\x01\x7f"), std::string("caf\xc3\xa9 \xf0\x9f\x98\x80"),
                                    std::string("\xff\xc3(\xed\xa0\x80\xe2\x82"), std::string("\0x", 2)}) {
        std::string out;
        append_json_string(out, text);
        ASSERT_TRUE(json::accept(out)) << out;
    }
    std::string out;
    append_json_string(out, "caf\xc3\xa9");
    EXPECT_EQ(json::parse(out).get<std::string>(), "caf\xc3\xa9");
    out.clear();
    append_json_string(out, "a\xff");
    EXPECT_EQ(json::parse(out).get<std::string>(), "a\xef\xbf\xbd");
}

}  // namespace
}  // namespace steelyard::config
