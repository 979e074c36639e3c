#include "controller/certs/rotation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/certs/secret.hpp"

namespace steelyard::certs {
namespace {

constexpr int64_t kHour = 3600;
constexpr int64_t kStart = 1'800'000'000;

RotationSettings settings() {
    RotationSettings s;
    s.names = {"push.example", "localhost"};
    s.ca_lifetime = 1000 * kHour;
    s.certificate_lifetime = 100 * kHour;
    return s;
}

Advance run(const Material& have, int64_t now, const RotationSettings& s = settings()) {
    auto advanced = advance(have, s, now);
    EXPECT_TRUE(advanced) << advanced.error().to_string();
    return *advanced;
}

size_t cas_in(const Material& material) { return tls::parse_bundle(material.bundle(), "")->size(); }
tls::CertificateInfo info(const std::string& pem) { return *tls::parse_certificate(pem, ""); }

TEST(Rotation, MakesEverythingOnceAndThenNothing) {
    const auto first = run({}, kStart);
    EXPECT_EQ(first.done.size(), 2u);
    EXPECT_TRUE(check(first.material));
    EXPECT_EQ(info(first.material.server.certificate_pem).names,
              (std::vector<std::string>{"localhost", "push.example"}));
    const auto again = run(first.material, kStart + 60);
    EXPECT_TRUE(again.done.empty());
    EXPECT_EQ(again.material, first.material);
    EXPECT_GT(first.next_check, kStart + 60 * kHour);
    EXPECT_LE(first.next_check, kStart + 67 * kHour);
}

TEST(Rotation, TheServersCertificateIsRenewedAtTwoThirdsByTheSameCa) {
    const auto first = run({}, kStart);
    EXPECT_TRUE(run(first.material, kStart + 66 * kHour).done.empty());
    const auto renewed = run(first.material, kStart + 67 * kHour);
    EXPECT_EQ(renewed.done.size(), 1u);
    EXPECT_EQ(renewed.material.ca, first.material.ca);
    EXPECT_NE(renewed.material.server, first.material.server);
    EXPECT_EQ(info(renewed.material.server.certificate_pem).not_after, kStart + 167 * kHour);
}

TEST(Rotation, OtherNamesMeanAnotherCertificate) {
    const auto first = run({}, kStart);
    auto changed = settings();
    changed.names = {"other.example"};
    EXPECT_EQ(info(run(first.material, kStart + 1, changed).material.server.certificate_pem).names, changed.names);
    changed = settings();
    changed.names = {"localhost", "push.example", "localhost"};
    EXPECT_TRUE(run(first.material, kStart + 1, changed).done.empty()) << "order and repetition do not matter";
}

// Four lives, twenty hours at a time: at every moment the server's certificate is valid, signed by what was told at least
// an overlap ago, and somebody who heard the bundle an overlap ago can still verify it.
TEST(Rotation, WhoHearsWithinAnOverlapIsNeverLost) {
    const auto s = settings();
    constexpr int64_t kStep = 20;
    const int64_t overlap = s.ca_lifetime / 10 / kHour / kStep;
    std::vector<std::string> told;  // the bundle at each step
    Material material;
    size_t most = 0, changes = 0;
    for (int64_t step = 0; step < 150; ++step) {
        const int64_t now = kStart + step * kStep * kHour;
        const auto advanced = run(material, now, s);
        if (step > 0 && material.ca.certificate_pem != advanced.material.ca.certificate_pem) ++changes;
        material = advanced.material;
        ASSERT_TRUE(check(material)) << step;
        const auto server = info(material.server.certificate_pem);
        ASSERT_LE(server.not_before, now);
        ASSERT_GT(server.not_after, now);
        told.push_back(material.bundle());
        most = std::max(most, cas_in(material));
        for (const int64_t ago : {int64_t{0}, overlap / 2, overlap - 1}) {
            if (step < ago) continue;
            const auto bundle = *tls::parse_bundle(told[static_cast<size_t>(step - ago)], "");
            const bool verified = std::any_of(bundle.begin(), bundle.end(), [&](const auto& ca) {
                return ca.not_after > now && tls::is_signed_by(material.server.certificate_pem, ca.pem);
            });
            ASSERT_TRUE(verified) << "step " << step << ", bundle of " << ago << " steps ago";
        }
    }
    EXPECT_EQ(most, 2u);
    EXPECT_GE(changes, 3u);
    EXPECT_LE(changes, 5u);
}

TEST(Rotation, NextCheckIsWhenTimeAloneChangesSomething) {
    Material material;
    int64_t now = kStart;
    for (int i = 0; i < 60; ++i) {
        const auto advanced = run(material, now);
        material = advanced.material;
        ASSERT_GT(advanced.next_check, now);
        EXPECT_TRUE(run(material, advanced.next_check - 1).done.empty()) << i;
        EXPECT_FALSE(run(material, advanced.next_check).done.empty()) << i;
        now = advanced.next_check;
    }
}

TEST(Rotation, AfterALongSleepThereIsOneThatWorks) {
    const auto first = run({}, kStart);
    const auto later = run(first.material, kStart + 5000 * kHour);
    EXPECT_TRUE(check(later.material));
    EXPECT_GT(info(later.material.ca.certificate_pem).not_after, kStart + 5000 * kHour);
    // Asleep from before the promotion until after the old CA's end: the one that was told takes over.
    const auto told = run(first.material, kStart + 700 * kHour);
    ASSERT_FALSE(told.material.next_ca.certificate_pem.empty());
    const auto awake = run(told.material, kStart + 1100 * kHour);
    EXPECT_EQ(awake.material.ca, told.material.next_ca);
}

TEST(Rotation, GarbageIsReplaced) {
    const auto good = run({}, kStart).material;
    for (const int field : {0, 1, 2, 3, 4}) {
        Material bad = good;
        if (field == 0) bad.ca.certificate_pem = "garbage";
        if (field == 1) bad.ca.key_pem = good.server.key_pem;
        if (field == 2) bad.server.certificate_pem = good.ca.certificate_pem;
        if (field == 3) bad.server.key_pem = "";
        if (field == 4) bad.next_ca = {"garbage", "garbage"};
        const auto mended = run(bad, kStart + 1);
        EXPECT_FALSE(mended.done.empty()) << field;
        EXPECT_TRUE(check(mended.material)) << field;
    }
}

TEST(Rotation, ACheckSaysWhatDoesNotFit) {
    const auto good = run({}, kStart).material;
    const auto other = run({}, kStart).material;
    Material mixed = good;
    mixed.server = other.server;
    EXPECT_EQ(check(mixed).error().where, "tls.crt");
    mixed = good;
    mixed.server.key_pem = other.server.key_pem;
    EXPECT_EQ(check(mixed).error().where, "tls.key");
    EXPECT_EQ(check({}).error().where, "ca.crt");
}

TEST(Secret, ARoundTripKeepsAllAndOthersFields) {
    const auto material = run({}, kStart).material;
    nlohmann::json secret = {
        {"metadata", {{"labels", {{"a", "b"}}}}}, {"data", {{"other", "eA=="}}}, {"type", "Opaque"}};
    put(secret, material);
    EXPECT_EQ(material_of(secret), material);
    EXPECT_EQ(secret["data"]["other"], "eA==");
    EXPECT_EQ(secret["metadata"]["labels"]["a"], "b");
    EXPECT_FALSE(secret["data"].contains("next-ca.crt"));
    EXPECT_EQ(material_of(nlohmann::json{{"data", nullptr}}), Material{});
    EXPECT_EQ(material_of(nlohmann::json{{"data", {{"ca.crt", 7}, {"ca.key", "%%%"}}}}), Material{});
    EXPECT_EQ(material_of(nlohmann::json::array()), Material{});
}

}  // namespace
}  // namespace steelyard::certs
