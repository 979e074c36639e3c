// The webhook over real TLS connections.
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "common/tls/pki.hpp"
#include "common/tls/server_identity.hpp"
#include "controller/inject/service.hpp"
#include "tests/unit/controller/inject/tls_client.hpp"

namespace steelyard::inject {
namespace {

namespace fs = std::filesystem;
using testing_support::TlsClient;

std::string post(const std::string& body, const std::string& more = "") {
    return "POST /inject?timeout=5s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + more +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string review(const std::string& upstreams = "8080=web:80", bool dry_run = false) {
    return R"({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {"uid": "u1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "namespace": "shop", "dryRun": )" +
           std::string(dry_run ? "true" : "false") + R"(, "object": {"metadata": {"generateName": "web-",
        "annotations": {"steelyard.dev/upstreams": ")" +
           upstreams + R"("}, "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7d9f",
        "uid": "o1", "controller": true}]}, "spec": {"containers": [{"name": "app"}]}}}})";
}

std::string status_of(const std::string& answer) { return answer.size() < 12 ? "closed" : answer.substr(9, 3); }

class WebhookServer : public testing::Test {
protected:
    void SetUp() override {
        directory_ = fs::temp_directory_path() / ("webhook-" + std::to_string(::getpid()));
        fs::create_directories(directory_);
        std::ofstream(directory_ / "inject.yaml") << "image: a\ncontrollerURL: wss://c:9443\n";
        const int64_t now = std::time(nullptr);
        ca_ = *tls::make_ca("test", {now - 60, now + 3600});
        std::ofstream(directory_ / "ca.pem") << ca_.certificate_pem;
        renew_certificate();
    }
    void TearDown() override {
        service_.reset();
        fs::remove_all(directory_);
    }

    void renew_certificate() {
        const int64_t now = std::time(nullptr);
        const auto leaf = tls::issue(ca_, {"localhost"}, {now - 60, now + 3600});
        ASSERT_TRUE(leaf);
        ASSERT_TRUE(identity_.set(leaf->certificate_pem, leaf->key_pem));
    }

    void start(ServerLimits limits = {}) {
        ServiceOptions options;
        options.ip = "127.0.0.1";
        options.config_file = directory_ / "inject.yaml";
        options.tls = [this] { return certified_ ? identity_.current() : nullptr; };
        options.ca_pem = [] { return "CA"; };
        options.service_cidrs = [] { return std::vector<std::string>{"10.96.0.0/16"}; };
        options.event = [this](const InjectEvent& event) {
            const std::lock_guard lock(mutex_);
            events_.push_back(event);
        };
        options.limits = limits;
        service_ = std::make_unique<InjectService>(std::move(options));
        const auto started = service_->start();
        ASSERT_TRUE(started) << started.error().to_string();
    }
    std::unique_ptr<TlsClient> connect() {
        auto client = std::make_unique<TlsClient>(service_->port(), directory_ / "ca.pem");
        EXPECT_TRUE(client->handshake());
        return client;
    }
    template <class Condition>
    bool eventually(Condition condition) {
        for (int i = 0; i < 200; ++i) {
            if (condition(service_->stats().server)) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }
    std::string ask(const std::string& request) { return connect()->ask(request); }

    fs::path directory_;
    tls::KeyPair ca_;
    tls::ServerIdentity identity_;
    std::atomic<bool> certified_{true};
    std::mutex mutex_;
    std::vector<InjectEvent> events_;
    std::unique_ptr<InjectService> service_;
};

TEST_F(WebhookServer, AnswersReviewsOneAfterTheOther) {
    start();
    const auto client = connect();
    for (int i = 0; i < 3; ++i) {
        const std::string answer = client->ask(post(review()));
        EXPECT_EQ(status_of(answer), "200");
        EXPECT_NE(answer.find(R"("uid":"u1","allowed":true,"patchType":"JSONPatch","patch":")"), std::string::npos)
            << answer;
    }
    EXPECT_EQ(service_->stats().pods.injected, 3U);
    EXPECT_EQ(service_->stats().server.connections, 1U);
    EXPECT_EQ(service_->stats().server.requests, 3U);
    EXPECT_TRUE(events_.empty());
}

TEST_F(WebhookServer, TellsTheOwnerOfARefusedPodButNotInADryRun) {
    start();
    for (const bool dry_run : {true, false}) {
        const std::string answer = ask(post(review("8080=web", dry_run)));
        EXPECT_NE(answer.find(R"("allowed":false)"), std::string::npos) << answer;
        EXPECT_NE(answer.find("annotation steelyard.dev/upstreams: item 1"), std::string::npos) << answer;
    }
    EXPECT_EQ(service_->stats().pods.refused, 2U);
    const std::lock_guard lock(mutex_);
    ASSERT_EQ(events_.size(), 1U);
    EXPECT_EQ(events_[0].kind + " " + events_[0].ns + "/" + events_[0].name, "ReplicaSet shop/web-7d9f");
    EXPECT_EQ(events_[0].reason, "InvalidAnnotation");
    EXPECT_NE(events_[0].note.find("Pod shop/web-... is refused: annotation steelyard.dev/upstreams"),
              std::string::npos)
        << events_[0].note;
}

TEST_F(WebhookServer, SaysWhatIsWrongWithARequest) {
    start();
    const std::string head = "Host: localhost\r\n";
    const std::pair<std::string, const char*> table[] = {
        {post("{}"), "400"},
        {post("{\"kind\": \"AdmissionReview\"}"), "400"},
        {post(std::string(200'000, '[')), "400"},
        {"GET /healthz HTTP/1.1\r\n" + head + "\r\n", "200"},
        {"GET / HTTP/1.1\r\n" + head + "\r\n", "404"},
        {"GET /inject HTTP/1.1\r\n" + head + "\r\n", "405"},
        {"POST /inject HTTP/1.1\r\n" + head + "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", "415"},
        {"POST /inject HTTP/1.1\r\n" + head + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
         "411"},
        {"POST /inject HTTP/1.1\r\n" + head + "Content-Type: application/json\r\nContent-Length: 3145729\r\n\r\n",
         "413"},
        {"GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", "431"},
        {"nonsense\r\n\r\n", "400"},
    };
    for (const auto& [request, status] : table) EXPECT_EQ(status_of(ask(request)), status) << request.substr(0, 60);
    EXPECT_EQ(service_->stats().pods.errors, 3U);
    EXPECT_EQ(status_of(ask(post(review()))), "200") << "and goes on";
}

TEST_F(WebhookServer, HoldsASlowPeerToItsTimeAndServesOthersMeanwhile) {
    ServerLimits limits;
    limits.handshake = limits.head = limits.body = Milliseconds(300);
    start(limits);
    TlsClient silent(service_->port(), directory_ / "ca.pem");  // never begins its handshake
    const auto dripping = connect();
    ASSERT_TRUE(dripping->send("POST /inject HT"));
    const auto stalled = connect();
    ASSERT_TRUE(
        stalled->send("POST /inject HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"));
    EXPECT_EQ(status_of(ask(post(review()))), "200");
    EXPECT_TRUE(silent.closed_within(2000));
    EXPECT_TRUE(dripping->closed_within(2000));
    EXPECT_TRUE(stalled->closed_within(2000));
    EXPECT_TRUE(eventually([&](ServerStats stats) { return stats.refused["timeout"] == 3; }));
}

TEST_F(WebhookServer, IdleConnectionsMakeRoom) {
    ServerLimits limits;
    limits.connections = 3;
    start(limits);
    std::vector<std::unique_ptr<TlsClient>> idle;
    for (int i = 0; i < 10; ++i) {
        idle.push_back(connect());
        EXPECT_EQ(status_of(idle.back()->ask(post(review()))), "200") << i;
    }
    EXPECT_LE(service_->stats().server.connections, 4U);
    EXPECT_TRUE(idle.front()->closed_within(1000));
}

TEST_F(WebhookServer, ACrowdThatAsksForNothingClosesNoConnectionThatDid) {
    ServerLimits limits;
    limits.connections = 3;
    start(limits);
    const auto known = connect();
    EXPECT_EQ(status_of(known->ask(post(review()))), "200");
    std::vector<std::unique_ptr<TlsClient>> silent;
    for (int i = 0; i < 20; ++i) silent.push_back(std::make_unique<TlsClient>(service_->port(), directory_ / "ca.pem"));
    EXPECT_TRUE(silent.front()->closed_within(2000));
    EXPECT_EQ(status_of(known->ask(post(review()))), "200") << "though it had been idle longest";
    EXPECT_EQ(status_of(ask(post(review()))), "200") << "a newcomer finds room";
}

TEST_F(WebhookServer, BoundsWhatBodiesHoldTogether) {
    ServerLimits limits;
    limits.all_body_bytes = 1000;
    start(limits);
    const auto first = connect();
    const std::string head =
        "POST /inject HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n";
    ASSERT_TRUE(first->send(head));
    ASSERT_TRUE(eventually([](const ServerStats& stats) { return stats.requests == 1; }));
    EXPECT_EQ(status_of(ask(head + std::string(900, ' '))), "503");
    EXPECT_EQ(status_of(first->ask(std::string(900, ' '))), "400");
    EXPECT_EQ(status_of(ask(head + std::string(900, ' '))), "400") << "what was held is free again";
}

TEST_F(WebhookServer, ShowsARenewedCertificateToNewConnections) {
    start();
    const auto before = connect();
    EXPECT_EQ(status_of(before->ask(post(review()))), "200");
    renew_certificate();
    EXPECT_EQ(status_of(ask(post(review()))), "200");
    EXPECT_EQ(status_of(before->ask(post(review()))), "200");
}

TEST_F(WebhookServer, ClosesConnectionsWhileThereIsNoCertificate) {
    start();
    certified_ = false;
    TlsClient client(service_->port(), directory_ / "ca.pem");
    EXPECT_FALSE(client.handshake());
    certified_ = true;
    EXPECT_EQ(status_of(ask(post(review()))), "200");
}

TEST_F(WebhookServer, EndsAtOnceWhenNobodyIsBeingServed) {
    start();
    const auto client = connect();
    EXPECT_EQ(status_of(client->ask(post(review()))), "200");
    const auto begin = std::chrono::steady_clock::now();
    service_->stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(900));
    EXPECT_TRUE(client->closed_within(1000));
    service_->stop();
}

TEST_F(WebhookServer, DoesNotStartWithoutItsFileOrItsAddress) {
    std::ofstream(directory_ / "inject.yaml") << "image: a\n";
    ServiceOptions options;
    options.ip = "127.0.0.1";
    options.config_file = directory_ / "inject.yaml";
    InjectService wrong(options);
    const auto started = wrong.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().to_string(), (directory_ / "inject.yaml").string() + ", controllerURL: is missing");
}

}  // namespace
}  // namespace steelyard::inject
