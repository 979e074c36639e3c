#include "sidecar/compress/accept_encoding.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace steelyard::compress {
namespace {

const std::vector<Coding> kAll{Coding::zstd, Coding::brotli, Coding::gzip};

std::string chosen(std::string_view field, const std::vector<Coding>& offered = kAll) {
    AcceptEncoding accepted;
    accepted.add(field);
    const auto coding = accepted.choose(offered);
    return coding ? std::string(token_of(*coding)) : "identity";
}

TEST(AcceptEncoding, TheClientsWeightDecidesAndOfEqualsTheOrderOfThePolicy) {
    EXPECT_EQ(chosen("gzip, br, zstd"), "zstd");
    EXPECT_EQ(chosen("gzip, deflate, br"), "br");
    EXPECT_EQ(chosen("gzip;q=1.0, br;q=0.9"), "gzip");
    EXPECT_EQ(chosen("gzip;q=0.5, br;q=0.9, zstd;q=0.1"), "br");
    EXPECT_EQ(chosen("gzip, br", {Coding::gzip, Coding::brotli}), "gzip");
    EXPECT_EQ(chosen("zstd, br", {Coding::gzip}), "identity");
    EXPECT_EQ(chosen("x-gzip"), "gzip");
    EXPECT_EQ(chosen("GZip ; Q=0.8"), "gzip");
}

TEST(AcceptEncoding, WhoSaysNothingGetsNothingCompressed) {
    EXPECT_EQ(chosen(""), "identity");
    EXPECT_EQ(chosen(" , ,"), "identity");
    EXPECT_EQ(chosen("identity"), "identity");
    EXPECT_EQ(chosen("deflate, compress"), "identity");
    EXPECT_EQ(AcceptEncoding().choose(kAll), std::nullopt);
}

TEST(AcceptEncoding, ZeroMeansNever) {
    EXPECT_EQ(chosen("gzip;q=0"), "identity");
    EXPECT_EQ(chosen("zstd;q=0, br;q=0.000, gzip"), "gzip");
    EXPECT_EQ(chosen("*;q=0, gzip"), "gzip");
    EXPECT_EQ(chosen("*;q=0"), "identity");
    EXPECT_EQ(chosen("identity;q=0"), "identity");
    EXPECT_EQ(chosen("identity;q=0, br;q=0.001"), "br");
}

TEST(AcceptEncoding, AnAsteriskStandsForWhatIsNotNamed) {
    EXPECT_EQ(chosen("*"), "zstd");
    EXPECT_EQ(chosen("zstd;q=0, *"), "br");
    EXPECT_EQ(chosen("gzip;q=0.5, *", {Coding::gzip}), "identity") << "as it is counts as named by *";
    EXPECT_EQ(chosen("gzip, *;q=0.1"), "gzip");
}

TEST(AcceptEncoding, IdentityThatIsPreferredStays) {
    EXPECT_EQ(chosen("identity;q=1, gzip;q=0.5"), "identity");
    EXPECT_EQ(chosen("identity;q=0.5, gzip;q=0.5"), "gzip");
    EXPECT_EQ(chosen("identity, gzip"), "gzip");
}

TEST(AcceptEncoding, WhatKeepsToNoGrammarIsNotGuessedAt) {
    for (const char* field :
         {"gzip;q=2", "gzip;q=", "gzip;q=0.1234", "gzip;q=1.001", "gzip;q=.5", "gzip;q=-1", "gzip;level=1",
          "gzip;q=0.5;q=1", "gz ip", "gzip;", ";q=1", "gzip q=1", "\"gzip\"", "gzip;q =1", "gzip;q=1x"}) {
        EXPECT_EQ(chosen(field), "identity") << field;
        EXPECT_EQ(chosen(std::string("br, ") + field), "identity") << field;
    }
}

TEST(AcceptEncoding, AListHasABound) {
    std::string list = "br";
    for (size_t i = 1; i < kMaxElements; ++i) list += ",x";
    EXPECT_EQ(chosen(list), "br");
    EXPECT_EQ(chosen(list + ",x"), "identity");
}

TEST(AcceptEncoding, SeveralLinesAreOneListAndTheLowerWeightHolds) {
    AcceptEncoding accepted;
    accepted.add("gzip");
    accepted.add("br;q=0.5");
    accepted.add("gzip;q=0.1");
    EXPECT_EQ(accepted.choose(kAll), Coding::brotli);
}

}  // namespace
}  // namespace steelyard::compress
