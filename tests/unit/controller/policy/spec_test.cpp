// A policy's spec is read as strictly as its schema has it. What a good one becomes is shown by tests/golden/translate/lbp-*.
#include "controller/policy/spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/config/validate.hpp"

namespace steelyard::policy {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Reading read(const std::string& text, Unknown unknown = Unknown::refuse) {
    const json parsed = json::parse(text, nullptr, false);
    EXPECT_FALSE(parsed.is_discarded()) << text;
    return read_spec(parsed, unknown);
}

// With a target beside what is given.
Reading with(const std::string& members, Unknown unknown = Unknown::refuse) {
    return read(R"({"targetRefs": [{"name": "web"}], )" + members + "}", unknown);
}

std::vector<std::string> problems(const Reading& reading) {
    std::vector<std::string> texts;
    for (const Error& problem : reading.problems) texts.push_back(problem.to_string());
    return texts;
}

TEST(PolicySpec, ChangesNothingThatItDoesNotSet) {
    const Reading reading = read(R"({"targetRefs": [{"name": "web"}]})");
    EXPECT_THAT(problems(reading), IsEmpty());
    config::Policy policy;
    policy.algorithm = config::Algorithm::random;
    policy.drain_timeout_ms = 7;
    const config::Policy before = policy;
    reading.spec.apply(policy);
    EXPECT_EQ(policy, before);
}

TEST(PolicySpec, KnowsEveryAlgorithm) {
    for (const char* name : {"WeightedRoundRobin", "RoundRobin", "LeastRequest", "LeastConnections",
                             "LeastResponseTime", "RingHash", "Maglev", "Random"}) {
        EXPECT_THAT(problems(with(R"("algorithm": ")" + std::string(name) + "\"")), IsEmpty()) << name;
    }
}

TEST(PolicySpec, ADefaultForHashingIsTheModels) {
    const Reading reading = with(R"("algorithm": "Maglev", "consistentHash": {})");
    EXPECT_THAT(problems(reading), IsEmpty());
    EXPECT_EQ(*reading.spec.consistent_hash, ConsistentHash{});
}

TEST(PolicySpec, NullIsAbsent) {
    EXPECT_THAT(problems(with(R"("algorithm": null, "http": {"cache": null}, "healthCheck": null)")), IsEmpty());
}

TEST(PolicySpec, ASmallCacheTakesAnswersOfItsOwnSize) {
    const Reading reading = with(R"("http": {"cache": {"maximumBytes": "128Ki"}})");
    EXPECT_THAT(problems(reading), IsEmpty());
    EXPECT_EQ(reading.spec.http->cache->max_object_bytes, 128U << 10);
}

TEST(PolicySpec, AddsAFieldAsOftenAsItIsNamed) {
    EXPECT_THAT(problems(with(R"("http": {"responseHeaders": {"add": [{"name": "Link", "value": "a"},
                                                                      {"name": "Link", "value": "b"}]}})")),
                IsEmpty());
}

TEST(PolicySpec, HeadersAreBoundedAltogether) {
    std::string all;
    for (int i = 0; i < 5; ++i) {
        all += (i == 0 ? "" : ", ") +
               (R"({"name": "a)" + std::to_string(i) + R"(", "value": ")" + std::string(1000, 'x') + "\"}");
    }
    EXPECT_THAT(problems(with(R"("http": {"requestHeaders": {"set": [)" + all + "]}}")),
                ElementsAre(HasSubstr("spec.http.requestHeaders: makes a head longer by 5030 bytes")));
}

TEST(PolicySpec, OfAnUnknownFieldThePathIsKept) {
    const Reading reading = with(R"("http": {"catch": {}}, "retries": 3)", Unknown::ignore);
    EXPECT_THAT(problems(reading), IsEmpty());
    EXPECT_THAT(reading.ignored, ElementsAre("spec.retries", "spec.http.catch"));
}

struct Refused {
    const char* members;
    const char* says;
};

class Refusals : public testing::TestWithParam<Refused> {};

TEST_P(Refusals, NameTheFieldAndTheFault) {
    const auto all = problems(with(GetParam().members));
    ASSERT_EQ(all.size(), 1U) << testing::PrintToString(all);
    EXPECT_THAT(all.front(), HasSubstr(GetParam().says));
}

constexpr Refused kRefused[] = {
    {R"("retries": 3)", "spec.retries: is not a field that is known here (targetRefs, algorithm,"},
    {R"("algorithm": "round-robin")", "spec.algorithm: 'round-robin' is none of WeightedRoundRobin, RoundRobin"},
    {R"("algorithm": 3)", "spec.algorithm: 3 is a number, not a text"},
    {R"("consistentHash": {})", "spec.consistentHash: belongs to the algorithms RingHash and Maglev"},
    {R"("algorithm": "Maglev", "consistentHash": {"virtualNodes": 5})",
     "spec.consistentHash.virtualNodes: belongs to the algorithm RingHash"},
    {R"("algorithm": "RingHash", "consistentHash": {"tableSize": 65537})",
     "spec.consistentHash.tableSize: belongs to the algorithm Maglev"},
    {R"("algorithm": "Maglev", "consistentHash": {"tableSize": 65536})",
     "spec.consistentHash.tableSize: 65536 is not a prime (251-1048583)"},
    {R"("algorithm": "Maglev", "consistentHash": {"key": {"type": "Header"}})",
     "spec.consistentHash.key.name: is missing: the name of the header"},
    {R"("algorithm": "Maglev", "consistentHash": {"key": {"type": "ClientIP", "name": "x"}})",
     "spec.consistentHash.key.name: belongs to a key of type Header, Cookie or Query"},
    {R"("algorithm": "Maglev", "consistentHash": {"key": {"type": "Cookie", "name": "a b"}})",
     "spec.consistentHash.key.name: 'a b' is not the name of a cookie"},
    {R"("algorithm": "Maglev", "consistentHash": {"key": {"name": "x"}})", "spec.consistentHash.key.type: is missing"},
    {R"("algorithm": "Maglev", "consistentHash": {"loadFactorPercent": 99})", "loadFactorPercent: 99 is not"},
    {R"("slowStart": {"window": "2h"})", "spec.slowStart.window: '2h' is not between 1ms and 1h"},
    {R"("slowStart": {"minimumPercent": 0})", "spec.slowStart.minimumPercent: 0 is not a percentage (1-100)"},
    {R"("locality": {})", "spec.locality.mode: is missing (None, PreferSameZone, PreferSameNode)"},
    {R"("locality": {"mode": "Zone"})", "spec.locality.mode: 'Zone' is none of None, PreferSameZone, PreferSameNode"},
    {R"("healthCheck": {"interval": "1s"})", "spec.healthCheck.type: is missing (TCP or HTTP)"},
    {R"("healthCheck": {"type": "TCP", "path": "/x"})", "spec.healthCheck.path: belongs to a check of type HTTP"},
    {R"("healthCheck": {"type": "HTTP", "path": "x"})", "spec.healthCheck.path: 'x' is not a path"},
    {R"("healthCheck": {"type": "HTTP", "interval": "50ms"})", "interval: '50ms' is not between 100ms and 1h"},
    {R"("healthCheck": {"type": "HTTP", "interval": "1.5s"})", "interval: '1.5s' is not a duration"},
    {R"("healthCheck": {"type": "HTTP", "expectedStatuses": ["399-200"]})",
     "spec.healthCheck.expectedStatuses[0]: '399-200' is not a status code"},
    {R"("healthCheck": {"type": "HTTP", "expectedStatuses": [200]})",
     "spec.healthCheck.expectedStatuses[0]: 200 is a number, not a text: write \"200\""},
    {R"("healthCheck": {"type": "HTTP", "expectedStatuses": []})",
     "expectedStatuses: has 0 elements; 1 to 16 are allowed"},
    {R"("healthCheck": [])", "spec.healthCheck: is a list, not an object"},
    {R"("drainTimeout": 30)", "spec.drainTimeout: 30 is a number, not a text: write \"30\""},
    {R"("drainTimeout": "0")", "spec.drainTimeout: '0' is not a duration (such as 500ms, 30s or 1m30s)"},
    {R"("drainTimeout": "1s1s1s1s1s")", "spec.drainTimeout: '1s1s1s1s1s' is not a duration"},
    {R"("proxyProtocol": "v2")", "spec.proxyProtocol: 'v2' is none of None, V1, V2"},
    {R"("timeouts": {"connect": "1ms"})", "spec.timeouts.connect: '1ms' is not between 10ms and 24h"},
    {R"("timeouts": {"total": "1s"})", "spec.timeouts.total: is not a field that is known here (connect, response,"},
    {R"("http": {"host": {"type": "Rewrite"}})", "spec.http.host.value: is missing: the host to send"},
    {R"("http": {"host": {"type": "Preserve", "value": "x"}})", "spec.http.host.value: belongs to the type Rewrite"},
    {R"("http": {"host": {"type": "Rewrite", "value": "a/b"}})", "spec.http.host.value: 'a/b' is not a host"},
    {R"("http": {"path": {"prefix": "/a"}})", "spec.http.path.replacement: is missing"},
    {R"("http": {"path": {"prefix": "/a?b", "replacement": "/"}})", "spec.http.path.prefix: '/a?b' is not a path"},
    {R"("http": {"redirect": {}})", "spec.http.redirect: needs one of scheme, host and port"},
    {R"("http": {"redirect": {"scheme": "ftp"}})", "spec.http.redirect.scheme: 'ftp' is none of http, https"},
    {R"("http": {"redirect": {"port": 80, "statusCode": 200}})",
     "spec.http.redirect.statusCode: 200 is none of 301, 302"},
    {R"("http": {"requestHeaders": {"set": [{"name": "a b", "value": "x"}]}})",
     "spec.http.requestHeaders.set[0].name: 'a b' is not the name of a header field"},
    {R"("http": {"requestHeaders": {"set": [{"name": "Host", "value": "x"}]}})",
     "spec.http.requestHeaders.set[0].name: 'Host' is the proxy's own to write"},
    {R"("http": {"requestHeaders": {"add": [{"name": "x", "value": "a\r\nb"}]}})",
     "spec.http.requestHeaders.add[0].value: 'a??b' is not a header field's value"},
    {R"("http": {"requestHeaders": {"add": [{"name": "x"}]}})", "spec.http.requestHeaders.add[0].value: is missing"},
    {R"("http": {"responseHeaders": {"set": [{"name": "A", "value": ""}], "remove": ["a"]}})",
     "spec.http.responseHeaders.remove[0]: 'a' is named twice; only add may be"},
    {R"("http": {"requestHeaders": {"remove": ["X_Forwarded_For"]}})",
     "spec.http.requestHeaders.remove[0]: 'X_Forwarded_For' is the proxy's own to write"},
    {R"("http": {"compression": {"algorithms": []}})", "spec.http.compression.algorithms: has 0 elements"},
    {R"("http": {"compression": {"algorithms": ["Gzip", "Gzip"]}})",
     "spec.http.compression.algorithms[1]: 'Gzip' is named before it as well"},
    {R"("http": {"compression": {"algorithms": ["gzip"]}})", "algorithms[0]: 'gzip' is none of Zstd, Brotli, Gzip"},
    {R"("http": {"compression": {"types": ["Text/HTML"]}})", "types[0]: 'Text/HTML' is not a media type in lower case"},
    {R"("http": {"cache": {"maximumBytes": "16M"}})", "spec.http.cache.maximumBytes: '16M' is not a number of bytes"},
    {R"("http": {"cache": {"maximumBytes": "99999999Gi"}})", "spec.http.cache.maximumBytes: 99999999Gi is not"},
    {R"("http": {"cache": {"maximumBytes": 1}})", "spec.http.cache.maximumBytes: 1 is not"},
    {R"("http": {"cache": {"maximumBytes": "1Mi", "maximumObjectBytes": "2Mi"}})",
     "spec.http.cache.maximumObjectBytes: is more than maximumBytes"},
};
INSTANTIATE_TEST_SUITE_P(Policy, Refusals, testing::ValuesIn(kRefused));

TEST(PolicySpec, TargetsAreServicesOfItsNamespaceEachOnce) {
    const std::pair<const char*, const char*> table[] = {
        {"null", "spec: is missing"},
        {"[]", "spec: is a list, not an object"},
        {"{}", "spec.targetRefs: is missing: a policy is for at least one Service"},
        {R"({"targetRefs": []})", "spec.targetRefs: has 0 elements; 1 to 16 are allowed"},
        {R"({"targetRefs": [null]})", "spec.targetRefs[0]: is null, not an object"},
        {R"({"targetRefs": [{}]})", "spec.targetRefs[0].name: is missing"},
        {R"({"targetRefs": [{"kind": "Gateway", "name": "web"}]})",
         "spec.targetRefs[0].kind: 'Gateway' is not Service, the only kind there is a policy for"},
        {R"({"targetRefs": [{"group": "apps", "name": "web"}]})", "spec.targetRefs[0].group: 'apps' is not the group"},
        {R"({"targetRefs": [{"name": "Web"}]})", "spec.targetRefs[0].name: 'Web' is not a name"},
        {R"({"targetRefs": [{"name": "web", "sectionName": 80}]})",
         "spec.targetRefs[0].sectionName: 80 is a number, not a text: write \"80\""},
        {R"({"targetRefs": [{"name": "web", "namespace": "shop"}]})",
         "spec.targetRefs[0].namespace: is not a field that is known here (group, kind, name, sectionName)"},
        {R"({"targetRefs": [{"name": "web"}, {"name": "web", "sectionName": "http"}, {"name": "web"}]})",
         "spec.targetRefs[2]: is named before it as well"},
    };
    for (const auto& [text, says] : table) {
        const auto all = problems(read(text));
        ASSERT_EQ(all.size(), 1U) << text << testing::PrintToString(all);
        EXPECT_THAT(all.front(), HasSubstr(says)) << text;
    }
}

TEST(PolicySpec, NamesEachFieldThatIsWrong) {
    EXPECT_THAT(problems(with(R"("algorithm": "x", "drainTimeout": "y", "proxyProtocol": "z")")).size(), 3U);
}

}  // namespace
}  // namespace steelyard::policy
