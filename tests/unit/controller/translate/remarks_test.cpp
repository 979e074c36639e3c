#include "controller/translate/remarks.hpp"

#include <gtest/gtest.h>

namespace steelyard::translate {
namespace {

kube::Pod pod_of_weight(const std::string& weight) {
    kube::Pod pod;
    pod.meta.annotations[std::string(kube::kWeightAnnotation)] = weight;
    return pod;
}

TEST(Remarks, AWeightIsAWholeNumberFromZeroToAMillion) {
    for (const char* good : {"0", "1", "1000000"}) EXPECT_TRUE(remarks(pod_of_weight(good)).empty()) << good;
    for (const char* bad : {"", "-1", "1e9", "1000001", "0.5", " 1", "1 ", "0x10", "many"}) {
        const auto said = remarks(pod_of_weight(bad));
        ASSERT_EQ(said.size(), 1U) << bad;
        EXPECT_NE(said[0].find("metadata.annotations[steelyard.dev/weight]"), std::string::npos) << said[0];
        EXPECT_NE(said[0].find("weight 1 is in force"), std::string::npos) << said[0];
    }
    EXPECT_TRUE(remarks(kube::Pod{}).empty());
}

TEST(Remarks, APriorityIsAWholeNumberFromZeroToFifteen) {
    kube::Pod pod;
    std::string& priority = pod.meta.annotations[std::string(kube::kPriorityAnnotation)];
    for (const char* good : {"0", "1", "15"}) {
        priority = good;
        EXPECT_TRUE(remarks(pod).empty()) << good;
    }
    for (const char* bad : {"", "-1", "16", "256", "1.0", "backup"}) {
        priority = bad;
        const auto said = remarks(pod);
        ASSERT_EQ(said.size(), 1U) << bad;
        EXPECT_NE(said[0].find("metadata.annotations[steelyard.dev/priority]"), std::string::npos) << said[0];
        EXPECT_NE(said[0].find("priority 0 is in force"), std::string::npos) << said[0];
    }
}

TEST(Remarks, AServicesAnnotationIsNamedWithWhatIsInForceInstead) {
    kube::Service service;
    service.meta.annotations["steelyard.dev/algorithm"] = "fastest";
    service.meta.annotations["steelyard.dev/drain-timeout"] = "10s";
    const auto said = remarks(service);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_NE(said[0].find("steelyard.dev/algorithm"), std::string::npos) << said[0];
    EXPECT_NE(said[0].find("fastest"), std::string::npos) << said[0];
}

TEST(Remarks, AnAddressThatIsNoneIsNamedWithItsIndex) {
    kube::EndpointSlice slice;
    slice.address_type = "IPv4";
    slice.endpoints.resize(3);
    slice.endpoints[0].address = "127.0.0.1";
    slice.endpoints[1].address = "10.0.0.999";
    slice.endpoints[2].address = "10.0.0.1";
    const auto at_home = remarks(slice, {.allow_loopback = true});
    ASSERT_EQ(at_home.size(), 1U);
    EXPECT_EQ(at_home[0].find("endpoints[1].addresses[0]"), 0U) << at_home[0];
    EXPECT_EQ(remarks(slice, {.allow_loopback = false}).size(), 2U);
}

}  // namespace
}  // namespace steelyard::translate
