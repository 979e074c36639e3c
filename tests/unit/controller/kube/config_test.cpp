#include "controller/kube/config.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "controller/kube/base64.hpp"
#include "controller/kube/token_source.hpp"

namespace steelyard::kube {
namespace {

namespace fs = std::filesystem;

class Config : public ::testing::Test {
protected:
    Config() : dir_(fs::temp_directory_path() / ("steelyard-config-" + std::to_string(::getpid()))) {
        fs::create_directories(dir_);
    }
    ~Config() override { fs::remove_all(dir_); }

    std::string write(const std::string& name, const std::string& text) const {
        fs::create_directories((dir_ / name).parent_path());
        std::ofstream(dir_ / name) << text;
        return (dir_ / name).string();
    }

    // A kubeconfig with these fields of the cluster and the user, in YAML's flow style.
    std::string kubeconfig(const std::string& cluster, const std::string& user) const {
        return write("config",
                     "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
                     "contexts:\n- name: other\n  context: {cluster: x, user: y}\n"
                     "- name: here\n  context: {cluster: c, user: u}\n"
                     "clusters:\n- name: c\n  cluster: " +
                         cluster + "\nusers:\n- name: u\n  user: " + user + "\n");
    }

    // The error's text, the folder cut off.
    std::string error_of(const std::string& path) const {
        const Result<ClusterConfig> config = load_kubeconfig({path});
        return config ? "no error" : relative(config.error().to_string());
    }
    std::string relative(std::string text) const {
        const std::string prefix = dir_.string() + "/";
        for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix))
            text.erase(at, prefix.size());
        return text;
    }

    fs::path dir_;
};

Environment environment(std::map<std::string, std::string> values) {
    return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
        const auto found = values.find(name);
        if (found == values.end()) return std::nullopt;
        return found->second;
    };
}

constexpr const char* kPem = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1BPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";

TEST_F(Config, TheCurrentContextIsRead) {
    write("ca.crt", "x");
    write("secret/token", "abc\n");
    const auto config = load_kubeconfig(
        {kubeconfig("{server: 'https://10.0.0.1:6443/', certificate-authority: ca.crt, tls-server-name: api}",
                    "{tokenFile: secret/token}")});
    ASSERT_TRUE(config) << config.error().to_string();
    EXPECT_EQ(config->server, "https://10.0.0.1:6443");
    EXPECT_EQ(config->tls_server_name, "api");
    EXPECT_EQ(relative(config->ca_file), "ca.crt");
    EXPECT_EQ(relative(config->token_file), "secret/token");
    EXPECT_FALSE(config->insecure_skip_tls_verify);
}

TEST_F(Config, DataFieldsAreDecoded) {
    const auto config = load_kubeconfig({kubeconfig(
        "{server: 'https://api', insecure-skip-tls-verify: true, certificate-authority-data: " + std::string(kPem) +
            "}",
        "{client-certificate-data: " + std::string(kPem) + ", client-key-data: " + kPem + "}")});
    ASSERT_TRUE(config) << config.error().to_string();
    EXPECT_TRUE(config->insecure_skip_tls_verify);
    EXPECT_TRUE(config->ca_pem.starts_with("-----BEGIN CERTIFICATE-----\n"));
    EXPECT_TRUE(config->client_key_pem.starts_with("-----BEGIN "));
}

TEST_F(Config, EveryErrorNamesFileAndField) {
    const std::string good = "{server: 'https://api'}";
    const auto both = [&](const std::string& cluster, const std::string& user) {
        return error_of(kubeconfig(cluster, user));
    };
    EXPECT_EQ(both("{}", "{}"), "config: clusters[0].cluster.server: missing");
    EXPECT_EQ(both("{server: 'ftp://api'}", "{}"),
              "config: clusters[0].cluster.server: 'ftp://api' is no http:// or https:// URL of an API server");
    EXPECT_EQ(both("{server: [1]}", "{}"), "config: clusters[0].cluster.server: must be a string");
    EXPECT_EQ(both("{server: 'https://api', insecure-skip-tls-verify: maybe}", "{}"),
              "config: clusters[0].cluster.insecure-skip-tls-verify: 'maybe' is neither true nor false");
    EXPECT_EQ(both("{server: 'https://api', certificate-authority: none.crt}", "{}"),
              "config: clusters[0].cluster.certificate-authority: cannot read 'none.crt'");
    EXPECT_EQ(both("{server: 'https://api', certificate-authority-data: '%%%'}", "{}"),
              "config: clusters[0].cluster.certificate-authority-data: is not base64");
    EXPECT_EQ(both("{server: 'https://api', certificate-authority-data: aGVsbG8=}", "{}"),
              "config: clusters[0].cluster.certificate-authority-data: holds no PEM block once decoded");
    EXPECT_EQ(both("{server: 'https://api', proxy-url: 'http://p'}", "{}"),
              "config: clusters[0].cluster.proxy-url: proxies to the API server are not supported");
    EXPECT_EQ(both("7", "{}"), "config: clusters[0].cluster: must be a mapping");
    EXPECT_EQ(both(good, "{exec: {command: aws}}"),
              "config: users[0].user.exec: credential plugins are not supported; use a token, tokenFile or client "
              "certificate");
    EXPECT_EQ(both(good, "{username: a, password: b}"),
              "config: users[0].user.username: basic authentication is not supported (Kubernetes removed it in 1.19)");
    EXPECT_EQ(both(good, "{tokenFile: none}"), "config: users[0].user.tokenFile: cannot read 'none'");
    EXPECT_EQ(both(good, "{client-certificate-data: " + std::string(kPem) + "}"),
              "config: users[0].user.client-key: missing: client-certificate needs its key");
}

TEST_F(Config, FilesThatAreNoKubeconfigAreRefused) {
    EXPECT_EQ(error_of((dir_ / "absent").string()), "absent: cannot be read");
    EXPECT_EQ(error_of(write("list", "- 1\n")), "list: is not a kubeconfig: the document is no mapping");
    EXPECT_EQ(error_of(write("empty", "")), "empty: is not a kubeconfig: the document is no mapping");
    EXPECT_TRUE(error_of(write("broken", "a: [1\nb: }")).starts_with("broken: is not YAML: line "))
        << error_of((dir_ / "broken").string());
    EXPECT_EQ(error_of(write("none", "kind: Config\n")),
              "none: current-context: missing: name one of the contexts, as `kubectl config use-context` does");
    EXPECT_EQ(error_of(write("dangling", "current-context: x\ncontexts: []\n")),
              "dangling: current-context: 'x' is not in contexts");
    EXPECT_EQ(error_of(write("shape", "current-context: x\ncontexts: {x: 1}\n")), "shape: contexts: must be a list");
    EXPECT_EQ(error_of(write("entry", "current-context: x\ncontexts: [x]\n")), "entry: contexts[0]: must be a mapping");
    EXPECT_EQ(error_of(write("user",
                             "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                             "clusters: [{name: c, cluster: {server: 'https://a'}}]\n")),
              "user: contexts[0].context.user: 'u' is not in users");
}

TEST_F(Config, SeveralFilesAreMerged) {
    const std::string one = write("one", "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n");
    const std::string two = write("two", "current-context: y\nclusters: [{name: c, cluster: {server: 'https://a'}}]\n");
    const auto config =
        load_config("", environment({{"KUBECONFIG", one + ":" + (dir_ / "absent").string() + ":" + two}}));
    ASSERT_TRUE(config) << config.error().to_string();
    EXPECT_EQ(config->server, "https://a");
}

TEST_F(Config, TheOrderIsFlagInClusterVariableHome) {
    const std::string flag = write("flag",
                                   "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
                                   "clusters: [{name: c, cluster: {server: 'https://flag'}}]\n");
    const std::string home = write("home/.kube/config",
                                   "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
                                   "clusters: [{name: c, cluster: {server: 'https://home'}}]\n");
    const auto in_cluster = environment({{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "x"}});
    EXPECT_EQ(load_config(flag, in_cluster)->server, "https://flag");
    EXPECT_EQ(load_config("", in_cluster).error().where, "KUBERNETES_SERVICE_PORT");
    EXPECT_EQ(load_config("", environment({{"HOME", (dir_ / "home").string()}}))->server, "https://home");
    const auto nothing = load_config("", environment({}));
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().where, "--kubeconfig");
}

TEST_F(Config, InClusterReadsTheServiceAccount) {
    const auto env = environment({{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}});
    write("sa/ca.crt", "x");
    EXPECT_EQ(relative(load_in_cluster(env, (dir_ / "sa").string()).error().to_string()),
              "sa/token: cannot be read: does the pod mount its service account (automountServiceAccountToken)?");
    write("sa/token", "x");
    const auto config = load_in_cluster(env, (dir_ / "sa").string());
    ASSERT_TRUE(config) << config.error().to_string();
    EXPECT_EQ(config->server, "https://[fd00::1]:443");
    EXPECT_EQ(relative(config->token_file), "sa/token");
}

TEST_F(Config, ATokenIsReadAgainWhenItChangesWhenItIsOldAndWhenItWasRefused) {
    const TimePoint t0{};
    const std::string path = write("token", " one \n");
    TokenSource token("ignored", path);
    EXPECT_EQ(*token.current(t0), "one");
    write("token", "two");
    fs::last_write_time(path, fs::last_write_time(path) + std::chrono::seconds(5));
    EXPECT_EQ(*token.current(t0), "two");

    const auto written = fs::last_write_time(path);
    const auto write_unseen = [&](const std::string& text) {
        write("token", text);
        fs::last_write_time(path, written);
    };
    write_unseen("three");
    EXPECT_EQ(*token.current(t0 + std::chrono::seconds(59)), "two");
    EXPECT_EQ(*token.current(t0 + std::chrono::seconds(60)), "three");
    write_unseen("four");
    EXPECT_EQ(*token.current(t0 + std::chrono::seconds(61)), "three");
    token.refused();
    EXPECT_EQ(*token.current(t0 + std::chrono::seconds(61)), "four");
}

TEST_F(Config, ATokenFileThatGoesAwayLeavesTheLastTokenInForce) {
    const TimePoint t0{};
    const std::string path = write("token", "one");
    TokenSource token("", path);
    EXPECT_EQ(*token.current(t0), "one");
    fs::remove(path);
    token.refused();
    EXPECT_EQ(*token.current(t0 + std::chrono::hours(1)), "one");
    write("token", "");
    EXPECT_EQ(*token.current(t0 + std::chrono::hours(1)), "one");
    TokenSource never("", (dir_ / "absent").string());
    EXPECT_EQ(relative(never.current(t0).error().to_string()), "absent: the token file cannot be read");
    TokenSource two("", write("words", "one two"));
    EXPECT_FALSE(two.current(t0));
}

TEST(Base64, KnownAnswers) {
    EXPECT_EQ(base64_decode(""), "");
    EXPECT_EQ(base64_decode("Zg=="), "f");
    EXPECT_EQ(base64_decode("Zm8="), "fo");
    EXPECT_EQ(base64_decode("Zm9v"), "foo");
    EXPECT_EQ(base64_decode("Zm9vYg"), "foob");
    EXPECT_EQ(base64_decode("Zm9v\n YmE="), "fooba");
    EXPECT_EQ(base64_decode("+/+/"), "\xfb\xff\xbf");
    for (const char* bad : {"Z", "Zg=", "Zg===", "Z=g=", "Zm9v=", "Zm-_", "Zm9v!"})
        EXPECT_FALSE(base64_decode(bad)) << bad;
}

}  // namespace
}  // namespace steelyard::kube
