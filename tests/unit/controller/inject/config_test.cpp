#include "controller/inject/config.hpp"

#include <gtest/gtest.h>

namespace steelyard::inject {
namespace {

const std::string kLeast = "image: steelyard/sidecar:1\ncontrollerURL: wss://controller:9443/push\n";

std::string problem_of(const std::string& yaml) {
    const auto config = parse_inject_config(yaml);
    return config ? "" : config.error().to_string();
}

TEST(InjectConfig, HasDefaultsForAllButTheImageAndTheController) {
    const auto config = parse_inject_config(kLeast);
    ASSERT_TRUE(config) << config.error().to_string();
    InjectConfig expected;
    expected.image = "steelyard/sidecar:1";
    expected.controller_url = "wss://controller:9443/push";
    EXPECT_TRUE(*config == expected);
    EXPECT_EQ(config->proxy_uid, 64832);
    EXPECT_TRUE(config->capture_enabled);
    EXPECT_EQ(config->drain_timeout_s, 30U);
}

TEST(InjectConfig, ReadsEverything) {
    const auto config = parse_inject_config(R"(
image: registry.example/steelyard/sidecar@sha256:abc
imagePullPolicy: Always
controllerURL: "wss://[fd00::1]:9443/push"
proxyUID: 2000
tokenAudience: other
capture:
  enabled: false
  serviceCIDRs: [10.96.0.0/16, "fd00:10::/108"]
  excludePorts: [22, "9000-9100"]
  excludeCIDRs: [10.96.0.10/32]
resources:
  requests: {cpu: 10m, memory: 32Mi}
  limits: {cpu: 1, memory: "1.5Gi"}
logLevel: debug
logFormat: json
drainTimeout: 1500ms
accessLog: {enabled: true, sample: 0.25}
)");
    ASSERT_TRUE(config) << config.error().to_string();
    EXPECT_EQ(config->image_pull_policy, "Always");
    EXPECT_EQ(config->proxy_uid, 2000);
    EXPECT_EQ(config->token_audience, "other");
    EXPECT_FALSE(config->capture_enabled);
    EXPECT_EQ(config->service_cidrs, (std::vector<std::string>{"10.96.0.0/16", "fd00:10::/108"}));
    EXPECT_EQ(config->exclude_ports, (std::vector<std::string>{"22", "9000-9100"}));
    EXPECT_EQ(config->exclude_cidrs, (std::vector<std::string>{"10.96.0.10/32"}));
    EXPECT_EQ(config->resources, R"({"requests":{"cpu":"10m","memory":"32Mi"},"limits":{"cpu":1,"memory":"1.5Gi"}})");
    EXPECT_EQ(config->log_format, "json");
    EXPECT_EQ(config->drain_timeout_s, 2U) << "rounded up to whole seconds";
    EXPECT_TRUE(config->access_log_enabled);
    EXPECT_EQ(config->access_log_sample, "0.25");
}

TEST(InjectConfig, NamesWhatIsWrongByItsPath) {
    const std::pair<const char*, const char*> table[] = {
        {"imagePullPolicy: always", "imagePullPolicy: 'always' is not one of Always, IfNotPresent, Never"},
        {"images: x", "images: is not a known key"},
        {"proxyUID: 0", "proxyUID: '0' is not a uid (1-2147483647; root would defeat its purpose)"},
        {"proxyUID: \"1000\"", "proxyUID: '1000' is not a uid (1-2147483647; root would defeat its purpose)"},
        {"proxyUID: 2147483648", "proxyUID: '2147483648' is not a uid (1-2147483647; root would defeat its purpose)"},
        {"capture: true", "capture: 'true' is not a mapping"},
        {"capture: {enable: true}", "capture.enable: is not a known key"},
        {"capture: {enabled: yes}", "capture.enabled: 'yes' is neither true nor false"},
        {"capture: {serviceCIDRs: 10.96.0.0/16}", "capture.serviceCIDRs: '10.96.0.0/16' is not a list"},
        {"capture: {serviceCIDRs: [10.96.0.0/16, 10.96.0.1/16]}",
         "capture.serviceCIDRs[1]: '10.96.0.1/16' has address bits beyond its prefix; the network would be "
         "10.96.0.0/16"},
        {"capture: {excludePorts: [0]}",
         "capture.excludePorts[0]: '0' is neither a port (1-65535) nor a range such as 9000-9100"},
        {"capture: {excludePorts: [[1]]}", "capture.excludePorts[0]: a list is not a text"},
        {"capture: {excludeCIDRs: [true]}", "capture.excludeCIDRs[0]: 'true' is not a text"},
        {"resources: {cpu: 1}", "resources.cpu: is not a known key (and 1 more)"},
        {"resources: {requests: {cpu: lots}}", "resources.requests.cpu: 'lots' is not a quantity such as 100m or 64Mi"},
        {"resources: {limits: {memory: 64MB}}",
         "resources.limits.memory: '64MB' is not a quantity such as 100m or 64Mi"},
        {"logLevel: verbose", "logLevel: 'verbose' is not one of trace, debug, info, warn, error"},
        {"logFormat: xml", "logFormat: 'xml' is not one of text, json"},
        {"drainTimeout: 30", "drainTimeout: '30' is not a duration such as 30s"},
        {"tokenAudience: \"\"", "tokenAudience: '' is not an audience (visible characters, no spaces)"},
        {"accessLog: {enabled: 1}", "accessLog.enabled: '1' is neither true nor false"},
        {"accessLog: {sample: 2}", "accessLog.sample: '2' is not a share from 0 to 1"},
        {"accessLog: {sample: all}", "accessLog.sample: 'all' is not a share from 0 to 1"},
        {"accessLog: stdout", "accessLog: 'stdout' is not a mapping"},
        {"logLevel: info\nlogLevel: warn", "line 4: the key 'logLevel' is given twice"},
    };
    for (const auto& [line, problem] : table) {
        const std::string said = problem_of(kLeast + line);
        EXPECT_TRUE(said.starts_with(std::string(problem).substr(0, std::string(problem).find(" (and"))))
            << said << "\n  " << problem;
    }
}

TEST(InjectConfig, CountsWhatElseIsWrong) {
    EXPECT_TRUE(problem_of("{}").starts_with("image: is missing")) << problem_of("{}");
    EXPECT_NE(problem_of("{}").find("1 more"), std::string::npos) << problem_of("{}");
}

TEST(InjectConfig, RefusesWhatIsNoMapping) {
    EXPECT_NE(problem_of(""), "");
    EXPECT_EQ(problem_of("- 1"), "is not a mapping of settings");
    EXPECT_EQ(problem_of(kLeast + "---\n{}"), "has more than one document");
    EXPECT_NE(problem_of("image: ["), "");
    std::string deep;
    for (int i = 0; i < 1000; ++i) deep += "[";
    EXPECT_NE(problem_of("a: " + deep), "");
    std::string laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n";
    for (char c = 'b'; c < 'k'; ++c) {
        const std::string from(1, static_cast<char>(c - 1));
        laughs += std::string(1, c) + ": &" + c + " [";
        for (int i = 0; i < 9; ++i) laughs += (i == 0 ? "*" : ",*") + from;
        laughs += "]\n";
    }
    EXPECT_NE(problem_of(laughs).find("20,000"), std::string::npos);
}

TEST(InjectConfig, UrlsOfTheController) {
    EXPECT_EQ(url_host("wss://a.b.svc:9443/push"), "a.b.svc");
    EXPECT_EQ(url_host("ws://10.0.0.1"), "10.0.0.1");
    EXPECT_EQ(url_host("wss://[fd00::1]:9443"), "fd00::1");
    EXPECT_EQ(url_host("wss://[fd00::1]"), "fd00::1");
    for (const char* bad : {"", "http://a", "wss://", "wss://:9443", "wss://a:", "wss://a:0", "wss://a:x",
                            "wss://a:b:9", "wss://[fd00::1", "wss://[fd00::1]x9443:", "wss:///push"})
        EXPECT_EQ(url_host(bad), "") << bad;
}

}  // namespace
}  // namespace steelyard::inject
