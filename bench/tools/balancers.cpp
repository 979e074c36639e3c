// bench_balancers: what a pick costs. For every algorithm and 10, 1,000 and 100,000 hosts of weights 1 to 10: nanoseconds a pick (best of 15
// rounds) with all hosts usable, allocations while picking (there should be none), and milliseconds to build the plan. Then the same of
// least-request as a worker picks, with backups, slow start and locality. Prints Markdown tables.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "sidecar/balancer/balancer.hpp"
#include "sidecar/balancer/response_average.hpp"
#include "sidecar/upstream/host_picker.hpp"
#include "sidecar/upstream/slow_start.hpp"

namespace {
size_t allocations = 0;
}

[[gnu::noinline]] void* operator new(size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace steelyard::balancer {
namespace {

using config::Algorithm;

constexpr uint32_t kPicks = 200'000;
constexpr int kRounds = 15;

struct Row {
    Algorithm algorithm;
    uint32_t load_factor_percent;
    const char* name;
};
constexpr Row kRows[] = {
    {Algorithm::round_robin, 0, "round-robin"},
    {Algorithm::weighted_round_robin, 0, "weighted-round-robin"},
    {Algorithm::least_request, 0, "least-request"},
    {Algorithm::least_connections, 0, "least-connections"},
    {Algorithm::least_response_time, 0, "least-response-time"},
    {Algorithm::random, 0, "random"},
    {Algorithm::ring_hash, 0, "ring-hash"},
    {Algorithm::ring_hash, 125, "ring-hash, load factor 125 %"},
    {Algorithm::maglev, 0, "maglev"},
    {Algorithm::maglev, 125, "maglev, load factor 125 %"},
};

struct Hosts {
    explicit Hosts(uint32_t count) : active(count), averages(count) {
        for (uint32_t i = 0; i < count; ++i) {
            ids.push_back("10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
                          std::to_string(i & 255) + ":80");
            active[i] = i % 3;
            averages[i].observe(1000 + i % 500, 1);
            entries.push_back({ids.back(), 1 + i % 10, &active[i], &averages[i]});
        }
    }
    std::deque<std::string> ids;
    std::deque<std::atomic<uint32_t>> active;
    std::deque<ResponseAverage> averages;
    std::vector<HostEntry> entries;
};

double since(Clock::time_point start, double unit) {
    return std::chrono::duration<double>(Clock::now() - start).count() / unit;
}

void measure(const Row& row, const Hosts& hosts) {
    config::Policy policy;
    policy.algorithm = row.algorithm;
    policy.load_factor_percent = row.load_factor_percent;
    double plan_ms = 1e9;
    std::shared_ptr<const Plan> plan;
    for (int round = 0; round < 3; ++round) {
        auto entries = hosts.entries;
        const auto planning = Clock::now();
        plan = make_plan(policy, std::move(entries));
        plan_ms = std::min(plan_ms, since(planning, 1e-3));
    }
    const auto balancer = make_balancer(plan, 1);
    const auto usable = [](uint32_t) { return true; };
    uint64_t sum = 0;
    for (uint64_t i = 0; i < kPicks; ++i) sum += balancer->pick({.hash = i, .now_ms = 2}, usable);
    const size_t before = allocations;
    double pick_ns = 1e9;  // the best round: what others do on this machine only adds
    for (int round = 0; round < kRounds; ++round) {
        const auto picking = Clock::now();
        for (uint64_t i = 0; i < kPicks; ++i) sum += balancer->pick({.hash = i, .now_ms = 2}, usable);
        pick_ns = std::min(pick_ns, since(picking, 1e-9) / kPicks);
    }
    std::printf("| %s | %zu | %.1f | %zu | %.2f |\n", row.name, hosts.entries.size(), pick_ns, allocations - before,
                plan_ms);
    if (sum == 0) std::printf("\n");  // or the picks might be left out
}

// What a worker's pick adds to its balancer's.
struct Setting {
    const char* name;
    bool backups = false;                                            // every tenth host is one
    config::Locality::Mode locality = config::Locality::Mode::none;  // every third host is near
    bool slow = false;                                               // every tenth host is half warm
};
constexpr Setting kSettings[] = {
    {.name = "none of them"},
    {.name = "backups", .backups = true},
    {.name = "locality", .locality = config::Locality::Mode::same_zone},
    {.name = "slow start", .slow = true},
};

void measure(const Setting& setting, uint32_t count) {
    constexpr int64_t kNowMs = 1'000'000;
    config::Upstream upstream;
    upstream.policy.algorithm = Algorithm::least_request;
    upstream.policy.locality.mode = setting.locality;
    if (setting.slow) upstream.policy.slow_start.emplace();
    config::EndpointSlice slice;
    for (uint32_t i = 0; i < count; ++i) {
        config::Endpoint& made = slice.endpoints.emplace_back();
        made.address =
            "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255);
        made.port = 80;
        made.weight = 1 + i % 10;
        made.zone = i % 3 == 0 ? "a" : "b";
        made.priority = setting.backups && i % 10 == 9 ? 1 : 0;
    }
    HostRegistry registry;
    double build_ms = 1e9;
    std::shared_ptr<const UpstreamSnapshot> snapshot;
    for (int round = 0; round < 3; ++round) {
        const auto building = Clock::now();
        snapshot = build_snapshot(upstream, {&slice}, registry, nullptr, {.node = {}, .zone = "a"});
        build_ms = std::min(build_ms, since(building, 1e-3));
    }
    if (setting.slow) {
        for (uint32_t i = 9; i < count; i += 10) snapshot->hosts[i].host->warm_since_ms = kNowMs - 15'000;
        snapshot->warming_until_ms = warming_until(*snapshot);
    }
    HostPicker picker(*snapshot, 1);
    const TriedHosts tried;
    const TimePoint now = TimePoint{} + Milliseconds{kNowMs};
    uint64_t sum = 0;
    for (uint64_t i = 0; i < kPicks; ++i) sum += picker.pick({.hash = i}, tried, now);
    const size_t before = allocations;
    double pick_ns = 1e9;
    for (int round = 0; round < kRounds; ++round) {
        const auto picking = Clock::now();
        for (uint64_t i = 0; i < kPicks; ++i) sum += picker.pick({.hash = i}, tried, now);
        pick_ns = std::min(pick_ns, since(picking, 1e-9) / kPicks);
    }
    std::printf("| %s | %u | %.1f | %zu | %.2f |\n", setting.name, count, pick_ns, allocations - before, build_ms);
    if (sum == 0) std::printf("\n");
}

}  // namespace
}  // namespace steelyard::balancer

int main() {
    using namespace steelyard::balancer;
    std::printf("| algorithm | hosts | ns a pick | allocations | ms to build the plan |\n|---|---|---|---|---|\n");
    for (const uint32_t count : {10U, 1000U, 100'000U}) {
        const Hosts hosts(count);
        for (const Row& row : kRows) measure(row, hosts);
    }
    std::printf(
        "\n| least-request with | hosts | ns a pick | allocations | ms to build the snapshot "
        "|\n|---|---|---|---|---|\n");
    for (const uint32_t count : {10U, 1000U, 100'000U}) {
        for (const Setting& setting : kSettings) measure(setting, count);
    }
    return 0;
}
