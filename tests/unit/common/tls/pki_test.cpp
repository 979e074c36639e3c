#include "common/tls/pki.hpp"

#include <gtest/gtest.h>

#include "common/tls/client_context.hpp"
#include "common/tls/server_identity.hpp"

namespace steelyard::tls {
namespace {

constexpr int64_t kNow = 1'800'000'000;
constexpr Validity kYear{kNow, kNow + 365 * 86400};

KeyPair ca() { return *make_ca("steelyard test", kYear); }

TEST(Pki, ACaIsACaAndEndsWhenItWasTold) {
    const auto made = ca();
    const auto info = parse_certificate(made.certificate_pem, "ca");
    ASSERT_TRUE(info);
    EXPECT_TRUE(info->is_ca);
    EXPECT_EQ(info->subject, "steelyard test");
    EXPECT_EQ(info->not_before, kYear.not_before);
    EXPECT_EQ(info->not_after, kYear.not_after);
    EXPECT_TRUE(is_signed_by(made.certificate_pem, made.certificate_pem));
    EXPECT_TRUE(is_key_of(made.key_pem, made.certificate_pem));
}

TEST(Pki, ALeafHasItsNamesAndItsCasSignature) {
    const auto authority = ca();
    const auto leaf = issue(authority, {"push.example", "10.0.0.1", "::1"}, {kNow, kNow + 3600});
    ASSERT_TRUE(leaf);
    const auto info = parse_certificate(leaf->certificate_pem, "leaf");
    ASSERT_TRUE(info);
    EXPECT_FALSE(info->is_ca);
    EXPECT_EQ(info->names, (std::vector<std::string>{"10.0.0.1", "::1", "push.example"}));
    EXPECT_TRUE(is_signed_by(leaf->certificate_pem, authority.certificate_pem));
    EXPECT_FALSE(is_signed_by(leaf->certificate_pem, ca().certificate_pem)) << "another CA of the same name";
    EXPECT_FALSE(is_key_of(authority.key_pem, leaf->certificate_pem));
}

TEST(Pki, ALeafDoesNotOutliveItsCa) {
    const auto leaf = issue(ca(), {"a"}, {kNow, kYear.not_after + 86400});
    ASSERT_TRUE(leaf);
    EXPECT_EQ(parse_certificate(leaf->certificate_pem, "leaf")->not_after, kYear.not_after);
    EXPECT_FALSE(issue(ca(), {"a"}, {kYear.not_after, kYear.not_after + 86400}));
}

TEST(Pki, TwoCertificatesAreNeverTheSame) {
    EXPECT_NE(parse_certificate(ca().certificate_pem, "a")->fingerprint,
              parse_certificate(ca().certificate_pem, "b")->fingerprint);
}

TEST(Pki, NamesThatNoCertificateCanHaveAreRefused) {
    for (const char* bad : {"", "a b", "-a", "a-", "a..b", "a,IP:1.2.3.4", "a\nb", "x:y", "a/b", "*"}) {
        EXPECT_FALSE(name_problem(bad).empty()) << bad;
        EXPECT_FALSE(issue(ca(), {bad}, kYear)) << bad;
    }
    for (const char* good : {"localhost", "a.b.svc.cluster.local", "*.example", "127.0.0.1", "fd00::1"}) {
        EXPECT_EQ(name_problem(good), "") << good;
    }
}

TEST(Certificate, GarbageIsAnErrorThatNamesItsPlace) {
    const std::string torn = ca().certificate_pem.substr(0, 200);
    std::string edited = ca().certificate_pem;
    edited[120] = edited[120] == '!' ? '?' : '!';
    for (const std::string& text : {std::string{}, std::string("hello"), torn, edited, ca().key_pem,
                                    std::string("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")}) {
        const auto parsed = parse_bundle(text, "ca.crt");
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().where, "ca.crt");
    }
}

TEST(Certificate, ABundleIsBounded) {
    std::string many;
    for (size_t i = 0; i <= kMaxBundle; ++i) many += ca().certificate_pem;
    EXPECT_FALSE(parse_bundle(many, "b"));
    EXPECT_FALSE(parse_bundle(std::string(kMaxPemBytes + 1, ' '), "b"));
    EXPECT_TRUE(parse_bundle("a comment\n" + ca().certificate_pem + "another\n" + ca().certificate_pem, "b"));
}

TEST(Certificate, JoinLeavesOutRepetitions) {
    const std::string one = ca().certificate_pem, two = ca().certificate_pem;
    EXPECT_EQ(join({one, two, "", one}), one + two);
}

TEST(ServerIdentity, KeepsTheLastGoodOne) {
    const auto authority = ca();
    const auto leaf = *issue(authority, {"a"}, kYear);
    ServerIdentity identity;
    EXPECT_EQ(identity.current(), nullptr);
    EXPECT_FALSE(identity.set("garbage", leaf.key_pem));
    EXPECT_EQ(identity.current(), nullptr);
    ASSERT_TRUE(identity.set(leaf.certificate_pem, leaf.key_pem));
    const auto first = identity.current();
    EXPECT_NE(first, nullptr);
    EXPECT_EQ(identity.expires(), kYear.not_after);
    const auto refused = identity.set(leaf.certificate_pem, authority.key_pem);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().to_string().find("BEGIN"), std::string::npos);
    EXPECT_EQ(identity.current(), first);
}

TEST(ClientContext, TrustsOnlyCas) {
    const auto authority = ca();
    const auto leaf = *issue(authority, {"a"}, kYear);
    EXPECT_TRUE(make_client_context({{authority.certificate_pem, "ca"}}));
    EXPECT_FALSE(make_client_context({{leaf.certificate_pem, "ca"}}));
    EXPECT_FALSE(make_client_context({{authority.certificate_pem, "ca"}, {"garbage", "learned"}}));
    EXPECT_FALSE(check_bundle({authority.certificate_pem + leaf.certificate_pem, "ca"}));
}

}  // namespace
}  // namespace steelyard::tls
