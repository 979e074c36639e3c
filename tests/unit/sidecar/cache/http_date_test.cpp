#include "sidecar/cache/http_date.hpp"

#include <gtest/gtest.h>

#include "sidecar/cache/directives.hpp"

namespace steelyard::cache {
namespace {

constexpr int64_t kNow = 1'800'000'000;

TEST(HttpDate, TheThreeFormsAreTheSameMoment) {
    for (const char* text :
         {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
        EXPECT_EQ(parse_http_date(text, kNow), 784'111'777) << text;
    }
    EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT", kNow), 0);
    EXPECT_EQ(parse_http_date("Tue, 29 Feb 2028 23:59:60 GMT", kNow), 1'835'481'600);
}

TEST(HttpDate, AYearOfTwoDigitsIsNotFarInTheFuture) {
    EXPECT_EQ(parse_http_date("Friday, 15-Jan-27 08:00:00 GMT", kNow), kNow);
    EXPECT_LT(*parse_http_date("Friday, 15-Jan-90 08:00:00 GMT", kNow), kNow);
    EXPECT_GT(*parse_http_date("Friday, 15-Jan-77 08:00:00 GMT", kNow), kNow);
}

TEST(HttpDate, WhatIsNearlyADateIsNone) {
    for (const char* text :
         {"", "0", "-1", "now", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
          "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT", "sun, 06 nov 1994 08:49:37 gmt",
          "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
          "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 94 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT",
          "Sun Nov 06 08:49:37 94"}) {
        EXPECT_EQ(parse_http_date(text, kNow), std::nullopt) << text;
    }
}

TEST(DeltaSeconds, AreDigitsAndBounded) {
    EXPECT_EQ(parse_delta("0"), 0U);
    EXPECT_EQ(parse_delta("0100"), 100U);
    EXPECT_EQ(parse_delta("99999999999999999999999999"), 0x80000000U);
    for (const char* text : {"", "-1", "1.0", " 1", "1s", "0x10"}) EXPECT_EQ(parse_delta(text), std::nullopt) << text;
}

}  // namespace
}  // namespace steelyard::cache
