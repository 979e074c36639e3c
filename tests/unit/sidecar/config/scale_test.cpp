// 5,000 upstreams of 20 endpoints through both ends in one process. The bounds are loose, for slow machines and
// sanitizers; the figures are printed for people.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdio>

#include "common/net/asio.hpp"
#include "controller/push/server.hpp"
#include "sidecar/config/client.hpp"

namespace steelyard {
namespace {

using namespace std::chrono_literals;
using config::Endpoint;
using config::EndpointSlice;
using config::Upstream;

double ms_since(TimePoint began) { return std::chrono::duration<double, std::milli>(Clock::now() - began).count(); }
double heap_mb() { return static_cast<double>(::mallinfo2().uordblks + ::mallinfo2().hblkhd) / 1e6; }

std::string upstream_name(int i) {
    return "shop-" + std::to_string(i % 50) + "/service-" + std::to_string(i) + ":http";
}

EndpointSlice slice_of(int i, uint32_t weight) {
    EndpointSlice slice{upstream_name(i), "service-" + std::to_string(i) + "-x7k2p", {}};
    for (int e = 0; e < 20; ++e) {
        slice.endpoints.push_back(
            Endpoint{"10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + "." + std::to_string(e + 1),
                     8000,
                     weight,
                     "zone-a",
                     "worker-node-" + std::to_string(e),
                     {}});
    }
    return slice;
}

TEST(PushScale, AHundredThousandEndpointsReachAProxyAndASmallChangeStaysSmall) {
    constexpr int kUpstreams = 5000;
    asio::io_context io;
    push::PushCache cache{"e1"};
    push::ServerOptions options;
    options.address = "127.0.0.1";
    options.port = 0;
    push::PushServer server{io, options, cache};
    ASSERT_TRUE(server.start());

    const double heap_before = heap_mb();
    push::Change all;
    for (int i = 0; i < kUpstreams; ++i) {
        all.upsert.emplace_back(Upstream{upstream_name(i), config::Protocol::http, {}, {}});
        all.upsert.emplace_back(slice_of(i, 1));
    }
    auto began = Clock::now();
    cache.publish(std::move(all));
    const double publish_ms = ms_since(began);
    const double cache_mb = heap_mb() - heap_before;
    server.set_ready();

    config::ConfigState state;
    config::ClientOptions client_options;
    client_options.url = {"127.0.0.1", server.port(), "/push"};
    client_options.name = "p";
    client_options.wants = {"*"};
    TimePoint changed_at{};
    config::ConfigClient client{io, client_options, state,
                                [&](const config::ChangeSet&) { changed_at = Clock::now(); }};
    began = Clock::now();
    client.start();
    while (!client.stats().in_sync && ms_since(began) < 60'000) io.run_one_for(10ms);
    const double sync_ms = ms_since(began);
    ASSERT_EQ(state.endpoint_count(), 20u * kUpstreams);
    const double apply_ms = client.stats().last_apply_seconds * 1e3;
    const uint64_t snapshot_bytes = client.stats().bytes;

    std::vector<double> latency_us;
    for (int i = 0; i < 200; ++i) {
        began = Clock::now();
        changed_at = {};
        server.publish({{slice_of(i * 7, 5)}, {}});
        while (changed_at == TimePoint{} && ms_since(began) < 5'000) io.run_one_for(10ms);
        latency_us.push_back(std::chrono::duration<double, std::micro>(changed_at - began).count());
        while (server.stats().proxies.at(0).behind && ms_since(began) < 5'000) io.run_one_for(10ms);
    }
    std::sort(latency_us.begin(), latency_us.end());
    std::printf(
        "publish %.0f ms, cache %.1f MB, snapshot %.1f MB in %.0f ms (decode and apply %.0f ms), heap now %.1f MB; "
        "change: p50 %.0f us, p99 %.0f us, apply %.0f us\n",
        publish_ms, cache_mb, static_cast<double>(snapshot_bytes) / 1e6, sync_ms, apply_ms, heap_mb(), latency_us[100],
        latency_us[198], client.stats().last_apply_seconds * 1e6);
    EXPECT_EQ(client.stats().snapshots, 1u);
    EXPECT_LT(client.stats().bytes - snapshot_bytes, 200u * 4000) << "a change costs its slice, whatever the total";
    EXPECT_LT(latency_us[100], 100'000);
    client.stop();
    server.stop();
    io.run_for(50ms);
}

}  // namespace
}  // namespace steelyard
