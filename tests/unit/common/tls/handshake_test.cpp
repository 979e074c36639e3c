// Who trusts whom, by real hand-shakes in memory.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <memory>

#include "common/tls/client_context.hpp"
#include "common/tls/pki.hpp"
#include "common/tls/server_identity.hpp"

namespace steelyard::tls {
namespace {

int64_t now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}
Validity valid() { return {now() - 60, now() + 3600}; }

struct Outcome {
    bool done = false;
    long verify = 0;
    std::string version;
};

using Connection = std::unique_ptr<SSL, decltype(&SSL_free)>;

Outcome shake_hands(ServerIdentity& identity, const std::vector<TrustedBundle>& trusted, const std::string& host,
                    int client_max = TLS1_3_VERSION) {
    const auto server_context = identity.current();
    const auto client_context = *make_client_context(trusted);
    const Connection server{SSL_new(server_context->native_handle()), SSL_free};
    const Connection client{SSL_new(client_context->native_handle()), SSL_free};
    if (client_max < TLS1_2_VERSION) {
        SSL_set_min_proto_version(client.get(), client_max);
        SSL_set_security_level(client.get(), 0);
    }
    SSL_set_max_proto_version(client.get(), client_max);
    BIO *a = nullptr, *b = nullptr;
    BIO_new_bio_pair(&a, 0, &b, 0);
    SSL_set_bio(server.get(), a, a);
    SSL_set_bio(client.get(), b, b);
    SSL_set_accept_state(server.get());
    SSL_set_connect_state(client.get());
    EXPECT_TRUE(expect_host(client.get(), host));
    bool server_done = false, client_done = false;
    for (int i = 0; i < 20; ++i) {
        client_done = SSL_do_handshake(client.get()) == 1;
        server_done = SSL_do_handshake(server.get()) == 1;
        if (client_done && server_done) break;
    }
    return {client_done && server_done, SSL_get_verify_result(client.get()), SSL_get_version(client.get())};
}

class Handshake : public testing::Test {
protected:
    Handshake() {
        const auto leaf = *issue(ca, {"push.example", "127.0.0.1", "::1"}, valid());
        EXPECT_TRUE(identity.set(leaf.certificate_pem, leaf.key_pem));
    }
    std::vector<TrustedBundle> trusted() const { return {{ca.certificate_pem, "ca"}}; }

    KeyPair ca = *make_ca("ca", valid());
    ServerIdentity identity;
};

TEST_F(Handshake, WorksByNameAndByAddress) {
    for (const char* host : {"push.example", "127.0.0.1", "::1"}) {
        const auto outcome = shake_hands(identity, trusted(), host);
        EXPECT_TRUE(outcome.done) << host << ": " << outcome.verify;
        EXPECT_EQ(outcome.version, "TLSv1.3");
    }
    EXPECT_EQ(shake_hands(identity, trusted(), "push.example", TLS1_2_VERSION).version, "TLSv1.2");
}

TEST_F(Handshake, AnotherNameIsRefused) {
    for (const char* host : {"other.example", "push.example.evil", "127.0.0.2", "::2", "localhost"}) {
        EXPECT_FALSE(shake_hands(identity, trusted(), host).done) << host;
    }
}

TEST_F(Handshake, AnotherCaIsRefusedAndSoIsNone) {
    const auto other = *make_ca("ca", valid());
    EXPECT_FALSE(shake_hands(identity, {{other.certificate_pem, "ca"}}, "push.example").done);
    EXPECT_FALSE(shake_hands(identity, {}, "push.example").done);
}

TEST_F(Handshake, AnyOfTheBundlesWillDo) {
    const auto other = *make_ca("another", valid());
    const std::string both = join({other.certificate_pem, ca.certificate_pem});
    EXPECT_TRUE(shake_hands(identity, {{both, "both"}}, "push.example").done);
    EXPECT_TRUE(
        shake_hands(identity, {{other.certificate_pem, "file"}, {ca.certificate_pem, "learned"}}, "push.example").done);
    EXPECT_TRUE(shake_hands(identity, {{ca.certificate_pem, "file"}, {both, "learned"}}, "push.example").done);
}

TEST_F(Handshake, ExpiredAndNotYetValidAreRefused) {
    for (const Validity validity : {Validity{now() - 7200, now() - 3600}, Validity{now() + 1800, now() + 3600}}) {
        const auto mine = *issue(ca, {"push.example"}, {validity.not_before, validity.not_after});
        ASSERT_TRUE(identity.set(mine.certificate_pem, mine.key_pem));
        EXPECT_FALSE(shake_hands(identity, trusted(), "push.example").done);
    }
    const auto old = *make_ca("old", {now() - 7200, now() - 60});
    const auto leaf = *issue(old, {"push.example"}, {now() - 7200, now() + 3600});
    ASSERT_TRUE(identity.set(leaf.certificate_pem, leaf.key_pem));
    EXPECT_FALSE(shake_hands(identity, {{old.certificate_pem, "ca"}}, "push.example").done);
}

TEST_F(Handshake, ALeafSignsNothing) {
    const auto leaf = *issue(ca, {"push.example"}, valid());
    const auto forged = issue(leaf, {"push.example"}, valid());
    ASSERT_TRUE(forged);  // anybody can make one
    ASSERT_TRUE(identity.set(forged->certificate_pem + leaf.certificate_pem, forged->key_pem));
    EXPECT_FALSE(shake_hands(identity, trusted(), "push.example").done);
}

TEST_F(Handshake, OldVersionsAreRefused) {
    EXPECT_FALSE(shake_hands(identity, trusted(), "push.example", TLS1_1_VERSION).done);
}

}  // namespace
}  // namespace steelyard::tls
