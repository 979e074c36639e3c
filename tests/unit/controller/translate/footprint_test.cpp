// What the cluster state and the translator keep at 5,000 Services of 20 endpoints: the controller has 150 MB for everything.
#include <gtest/gtest.h>
#include <malloc.h>

#include "controller/translate/translator.hpp"

namespace steelyard::translate {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMeasurable = false;
#else
constexpr bool kMeasurable = true;
#endif

size_t allocated() {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

void load(store::ClusterState& state, int services, int endpoints) {
    for (int s = 0; s < services; ++s) {
        const std::string name = "service-" + std::to_string(s);
        kube::Service service;
        service.meta = {"production", name, "123456", {}};
        service.ports.push_back({"http", 80, std::string("http"), "TCP", "http"});
        state.upsert(std::move(service));
        kube::EndpointSlice slice;
        slice.meta = {"production", name + "-x7k2p", "123456", {}};
        slice.service_name = name;
        slice.address_type = "IPv4";
        slice.ports.push_back({"http", 8000, "TCP", ""});
        for (int e = 0; e < endpoints; ++e) {
            kube::SliceEndpoint endpoint;
            endpoint.address =
                "10." + std::to_string(s / 250) + "." + std::to_string(s % 250) + "." + std::to_string(e + 1);
            endpoint.ready = endpoint.serving = true;
            endpoint.terminating = false;
            endpoint.zone = "europe-west-" + std::to_string(e % 3);
            endpoint.node_name = "node-pool-1-" + std::to_string(e % 100) + ".example.internal";
            endpoint.pod_ns = "production";
            endpoint.pod_name = name + "-6d5f9c8b7-" + std::to_string(10'000 + e);
            slice.endpoints.push_back(std::move(endpoint));
        }
        state.upsert(std::move(slice));
    }
}

TEST(Footprint, OfAHundredThousandEndpointsIsUnder40Megabytes) {
    if (!kMeasurable) GTEST_SKIP() << "a sanitizer's allocator";
    const size_t before = allocated();
    store::ClusterState state;
    load(state, 5000, 20);
    const size_t with_state = allocated();
    Translator translator;
    {
        const Update update = translator.update(state, state.take_changes());
        ASSERT_EQ(update.upsert.size(), 10'000U);
    }
    const size_t with_both = allocated();
    RecordProperty("state_bytes", static_cast<int>(with_state - before));
    RecordProperty("translator_bytes", static_cast<int>(with_both - with_state));
    std::printf("state %.1f MB, translator %.1f MB\n", static_cast<double>(with_state - before) / 1e6,
                static_cast<double>(with_both - with_state) / 1e6);
    EXPECT_LT(with_both - before, 40'000'000U);
}

}  // namespace
}  // namespace steelyard::translate
