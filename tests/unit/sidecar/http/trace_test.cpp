#include "sidecar/http/trace.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace steelyard::http {
namespace {

TEST(Traceparent, IsWellFormedToTheLetter) {
    const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const struct {
        std::string value;
        bool fine;
    } cases[] = {
        {good, true},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", true},
        {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true},
        {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes", true},
        {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x", false},
        {good + "-x", false},
        {good + "x", false},
        {good.substr(0, 54), false},
        {"", false},
        {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"00-00000000000000000000000000000000-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false},
        {"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01", false},
        {"0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", false},
        {"00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01", false},
        {"00-0af7651916cd43dd8448eb211c8031-9cb7ad6b7169203331-01-", false},
        {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-" + std::string(300, 'x'), false},
    };
    for (const auto& c : cases) EXPECT_EQ(is_well_formed_traceparent(c.value), c.fine) << c.value;
}

TEST(RequestId, IsSaneWhenItFitsIntoALogLine) {
    for (const std::string_view id : {"1", "a1b2", "6f1e2c3a-4b5c-6d7e-8f90-a1b2c3d4e5f6", "a.b_c:d+e/f=g@h~i"}) {
        EXPECT_TRUE(is_sane_request_id(id)) << id;
    }
    EXPECT_TRUE(is_sane_request_id(std::string(128, 'x')));
    EXPECT_FALSE(is_sane_request_id(std::string(129, 'x')));
    for (const std::string_view id :
         {"", " ", "a b", "a\tb", "a\"b", "a,b", "a;b", "<a>", "a\\b", "${jndi}", "\xc3\xa4", "%0a"}) {
        EXPECT_FALSE(is_sane_request_id(id)) << id;
    }
}

TEST(RandomIds, AreWellFormedAndNeverTheSame) {
    RandomIds ids;
    RandomIds others;
    std::set<std::string> seen;
    for (int i = 0; i < 10'000; ++i) {
        std::array<char, RandomIds::kRequestIdBytes> id;
        std::array<char, RandomIds::kTraceparentBytes> trace;
        const std::string request_id(ids.request_id(id));
        EXPECT_EQ(request_id.find_first_not_of("0123456789abcdef"), std::string::npos);
        EXPECT_TRUE(is_sane_request_id(request_id));
        EXPECT_TRUE(seen.insert(request_id).second);
        EXPECT_TRUE(seen.insert(std::string(others.request_id(id))).second);
        const std::string traceparent(ids.traceparent(trace));
        EXPECT_TRUE(is_well_formed_traceparent(traceparent)) << traceparent;
        EXPECT_TRUE(traceparent.ends_with("-01"));
        EXPECT_TRUE(seen.insert(traceparent).second);
    }
}

// The reference implementation's first numbers for this state.
TEST(RandomIds, FollowTheirPublishedGenerator) {
    RandomIds ids({1, 2, 3, 4});
    for (const uint64_t wanted : {41943041U, 58720359U}) EXPECT_EQ(ids.next(), wanted);
    EXPECT_EQ(ids.next(), 3588806011781223U);
}

}  // namespace
}  // namespace steelyard::http
