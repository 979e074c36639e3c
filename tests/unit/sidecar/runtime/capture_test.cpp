// Captured connections, with real workers; where one was going is what the test says.
#include <gtest/gtest.h>

#include <mutex>

#include "sidecar/runtime/runtime.hpp"
#include "tests/unit/sidecar/exchange/backend.hpp"
#include "tests/unit/sidecar/exchange/socket.hpp"

namespace steelyard::test {
namespace {

using std::chrono::minutes;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";
const std::string kUpstream = "shop/web:http";
const std::string kClusterIp = "10.96.0.7";

config::Upstream upstream(config::Protocol protocol = config::Protocol::http) {
    config::Upstream result;
    result.name = kUpstream;
    result.protocol = protocol;
    result.cluster_ips = {kClusterIp, "fd00::7"};
    result.port = 80;
    return result;
}

config::EndpointSlice endpoints(std::initializer_list<const Backend*> backends) {
    config::EndpointSlice slice{kUpstream, "web-1", {}};
    for (const auto* backend : backends) slice.endpoints.push_back({"127.0.0.1", backend->port(), 1, "", "", {}});
    return slice;
}

Backend::Script answer(std::string text) {
    return serve([text = std::move(text)](const Message&) { return ok(text); });
}

class CaptureTest : public ::testing::Test {
protected:
    void start() {
        port_ = refused_port();
        Runtime::Options options;
        options.worker.timeouts.capture_wait = wait_;
        options.worker.timeouts.passthrough_connect = Milliseconds{500};
        options.capture.port = port_;
        options.capture.post = [this](std::function<void()> task) {
            const std::lock_guard lock(mutex_);
            tasks_.push_back(std::move(task));
        };
        options.capture.destination_of = [this](int) -> std::optional<SocketAddress> {
            const std::lock_guard lock(mutex_);
            return destination_;
        };
        runtime_ = std::make_unique<Runtime>(options, state_);
        runtime_->on_upstream([this](const std::string& name, const std::shared_ptr<const UpstreamSnapshot>& snapshot) {
            told_.push_back(name + (snapshot ? "=" + std::to_string(snapshot->hosts.size()) : " gone"));
        });
        const auto started = runtime_->start();
        ASSERT_TRUE(started) << started.error().to_string();
    }
    void TearDown() override {
        if (!runtime_) return;
        runtime_->abort();
        EXPECT_TRUE(eventually([&] { return runtime_->sessions() == 0; }));
        runtime_->stop();
        EXPECT_EQ(counters().capture_waiting.get(), 0U);
    }
    void apply(std::vector<config::Resource> all) {
        auto outcome = state_.apply(push::Snapshot{"e." + std::to_string(++version_), std::move(all)});
        ASSERT_TRUE(outcome.applied) << outcome.problems.first().to_string();
        runtime_->apply(outcome.changes);
        settle();
    }
    // Returns when the worker has done what was posted to it.
    void settle() {
        std::atomic<bool> done{false};
        runtime_->workers()[0]->run([&](WorkerContext&) { done = true; });
        ASSERT_TRUE(eventually([&] { return done.load(); }));
    }
    // What the main thread would do now.
    size_t run_main() {
        std::vector<std::function<void()>> tasks;
        {
            const std::lock_guard lock(mutex_);
            tasks.swap(tasks_);
        }
        for (auto& task : tasks) task();
        return tasks.size();
    }
    Socket connect_to(const std::string& ip, uint16_t port) {
        {
            const std::lock_guard lock(mutex_);
            destination_ = SocketAddress::parse(ip, port);
        }
        return Socket::connect(port_);
    }
    // With a main thread that does what it is asked.
    std::string body(Socket& socket) {
        if (!socket.send(kGet)) return "not sent";
        eventually([&] { return run_main() != 0; }, std::chrono::milliseconds{200});
        return socket.read_response().body;
    }
    const WorkerCounters& counters() { return runtime_->workers()[0]->counters(); }

    config::ConfigState state_;
    std::vector<std::string> told_;
    std::mutex mutex_;
    std::vector<std::function<void()>> tasks_;
    std::optional<SocketAddress> destination_;
    std::unique_ptr<Runtime> runtime_;
    Milliseconds wait_{5'000};
    uint16_t port_ = 0;
    int version_ = 0;
};

TEST_F(CaptureTest, TheFirstConnectionToAServiceBuildsItsUpstreamAndWaitsForThat) {
    Backend web(answer("web"));
    start();
    apply({upstream(), endpoints({&web})});
    EXPECT_TRUE(runtime_->upstreams().empty()) << "nobody has asked for it";
    Socket one = connect_to(kClusterIp, 80);
    Socket two = connect_to("fd00::7", 80);
    ASSERT_TRUE(one.send(kGet) && two.send(kGet));
    EXPECT_TRUE(eventually([&] { return counters().capture_waiting.get() == 2; }));
    EXPECT_EQ(run_main(), 1U) << "asked for once";
    EXPECT_EQ(one.read_response().body, "web");
    EXPECT_EQ(two.read_response().body, "web");
    EXPECT_EQ(connect_to(kClusterIp, 80).request(kGet).body, "web") << "no need to ask";
    EXPECT_EQ(run_main(), 0U);
    EXPECT_EQ(counters().capture_balanced.get(), 3U);
    EXPECT_EQ(told_, (std::vector<std::string>{kUpstream + "=1"}));
}

TEST_F(CaptureTest, ATcpServiceIsRelayed) {
    Backend echo([](Peer& peer) { peer.send("hello " + peer.read_until("\n")); });
    start();
    apply({upstream(config::Protocol::tcp), endpoints({&echo})});
    Socket one = connect_to(kClusterIp, 80);
    ASSERT_TRUE(one.send("you\n"));
    EXPECT_TRUE(eventually([&] { return run_main() != 0; }));
    EXPECT_EQ(one.read_to_end(), "hello you\n");
}

TEST_F(CaptureTest, WhatIsUnknownIsPassedThroughAndEachDirectionEndsOnItsOwn) {
    Backend echo([](Peer& peer) { peer.send("got " + peer.read_to_end()); });
    start();
    Socket one = connect_to("127.0.0.1", echo.port());
    ASSERT_TRUE(one.send("this"));
    one.shutdown_write();
    EXPECT_EQ(one.read_to_end(), "got this");
    EXPECT_EQ(one.end(), Socket::End::fin);
    Backend web(answer("web"));
    apply({upstream(), endpoints({&web})});
    Socket other_port = connect_to(kClusterIp, 81);
    EXPECT_TRUE(eventually([&] { return counters().capture_passthrough.get() == 2; })) << "another port is unknown too";
    EXPECT_EQ(counters().capture_balanced.get(), 0U);
}

TEST_F(CaptureTest, ADestinationThatTakesNothingIsAReset) {
    start();
    Socket one = connect_to("127.0.0.1", refused_port());
    EXPECT_EQ(one.wait_end(), Socket::End::reset);
    EXPECT_EQ(counters().passthrough_failures.get(), 1U);
}

TEST_F(CaptureTest, WhatNobodyRedirectedIsRefused) {
    start();
    EXPECT_NE(connect_to("127.0.0.1", port_).wait_end(), Socket::End::timeout) << "a connection to the port itself";
    EXPECT_NE(connect_to("nothing", 80).wait_end(), Socket::End::timeout) << "the kernel does not know";
    EXPECT_TRUE(eventually([&] { return counters().capture_refused.get() == 2; }));
    EXPECT_EQ(counters().capture_passthrough.get(), 0U);
}

TEST_F(CaptureTest, AConnectionWaitsNoLongerThanItMayAndIsPassedThroughThen) {
    wait_ = Milliseconds{50};
    Backend direct(answer("direct"));
    Backend web(answer("web"));
    start();
    auto here = upstream();
    here.cluster_ips = {"127.0.0.9"};
    here.port = direct.port();
    apply({here, endpoints({&web})});
    Socket one = connect_to("127.0.0.9", direct.port());
    ASSERT_TRUE(one.send(kGet));
    EXPECT_TRUE(eventually([&] { return counters().capture_passthrough.get() == 1; })) << "the main thread is busy";
    EXPECT_EQ(run_main(), 1U) << "and hears of it late, which harms nobody";
    settle();
    EXPECT_EQ(connect_to("127.0.0.9", direct.port()).request(kGet).body, "web");
}

TEST_F(CaptureTest, AServiceThatIsRemovedIsPassedThroughFromThenOn) {
    Backend web(answer("web"));
    start();
    apply({upstream(), endpoints({&web})});
    Socket one = connect_to(kClusterIp, 80);
    EXPECT_EQ(body(one), "web");
    apply({});
    EXPECT_TRUE(runtime_->upstreams().empty());
    const Message gone = one.request(kGet);
    EXPECT_EQ(gone.status(), 503);
    EXPECT_EQ(gone.field("connection"), "close");
    Socket two = connect_to("127.0.0.1", web.port());
    EXPECT_EQ(two.request(kGet).body, "web");
    EXPECT_EQ(counters().capture_passthrough.get(), 1U);
    EXPECT_EQ(told_.back(), kUpstream + " gone");
}

TEST_F(CaptureTest, AServiceThatMovesToAnotherAddressIsFoundThere) {
    Backend web(answer("web"));
    start();
    apply({upstream(), endpoints({&web})});
    auto moved = upstream();
    moved.cluster_ips = {"10.96.0.8"};
    apply({moved, endpoints({&web})});
    Socket one = connect_to("10.96.0.8", 80);
    EXPECT_EQ(body(one), "web");
    EXPECT_EQ(runtime_->capture().table()->size(), 1U);
}

TEST_F(CaptureTest, WhatServedNobodyForLongIsGivenUpAndBuiltAgainWhenAskedFor) {
    Backend web(answer("web"));
    start();
    apply({upstream(), endpoints({&web})});
    const auto begin = Clock::now();
    Socket kept = connect_to(kClusterIp, 80);
    EXPECT_EQ(body(kept), "web");
    runtime_->sweep(begin + minutes(1));
    runtime_->sweep(begin + minutes(10));
    EXPECT_EQ(runtime_->upstreams().size(), 1U);
    EXPECT_EQ(kept.request(kGet).body, "web");
    EXPECT_TRUE(eventually([&] {
        const auto& share = runtime_->upstreams().at(kUpstream)->stats->worker(0);
        return share.active_connections.get() == 0 && share.responses[2].get() == 2;
    }));
    runtime_->sweep(begin + minutes(12));
    EXPECT_EQ(runtime_->upstreams().size(), 1U) << "a request over a connection that was there is use as well";
    runtime_->sweep(begin + minutes(22));
    EXPECT_TRUE(runtime_->upstreams().empty());
    settle();
    EXPECT_EQ(kept.request(kGet).field("connection"), "close") << "what is still open is served once more";
    Socket again = connect_to(kClusterIp, 80);
    EXPECT_EQ(body(again), "web");
    EXPECT_EQ(told_, (std::vector<std::string>{kUpstream + "=1", kUpstream + " gone", kUpstream + "=1"}));
}

TEST_F(CaptureTest, AWaitingConnectionIsServedAlthoughTheProcessDrains) {
    Backend web(answer("web"));
    start();
    apply({upstream(), endpoints({&web})});
    Socket one = connect_to(kClusterIp, 80);
    ASSERT_TRUE(one.send(kGet));
    EXPECT_TRUE(eventually([&] { return counters().capture_waiting.get() == 1; }));
    EXPECT_EQ(runtime_->sessions(), 1U) << "the end of the process waits for it";
    runtime_->drain();
    runtime_->close_listeners();
    run_main();
    const Message last = one.read_response();
    EXPECT_EQ(last.body, "web");
    EXPECT_EQ(last.field("connection"), "close");
    EXPECT_TRUE(eventually([&] { return Socket::connect(port_).fd() < 0; }));
}

TEST_F(CaptureTest, ItsPortIsNobodyElses) {
    start();
    apply({upstream(), config::Listener{"front", "0.0.0.0", port_, config::Protocol::http, kUpstream}});
    EXPECT_EQ(runtime_->listener_failures(), 1U);
}

TEST(CaptureTableOrder, OfTwoUpstreamsThatClaimAnAddressTheFirstByNameHasIt) {
    config::ConfigState state;
    auto first = upstream();
    auto second = upstream();
    second.name = "shop/aaa:http";
    const auto outcome = state.apply(push::Snapshot{"e.1", {first, second}});
    Capture capture;
    EXPECT_TRUE(capture.update(state, outcome.changes));
    EXPECT_EQ(*capture.table()->find(*SocketAddress::parse(kClusterIp, 80)), "shop/aaa:http");
    EXPECT_FALSE(capture.update(state, outcome.changes)) << "nothing is different";
}

}  // namespace
}  // namespace steelyard::test
