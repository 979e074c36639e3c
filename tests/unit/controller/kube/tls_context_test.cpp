// The context of connections to the API server: one for as long as its files stay as they are.
#include "controller/kube/tls_context.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/tls/pki.hpp"

namespace steelyard::kube {
namespace {

namespace fs = std::filesystem;
namespace ssl = boost::asio::ssl;

struct TlsContextTest : testing::Test {
    fs::path dir = fs::path(testing::TempDir()) / ("tls-context-" + std::to_string(::getpid()));
    ClusterConfig config;

    void SetUp() override {
        fs::create_directories(dir);
        config.source = "test";
    }
    void TearDown() override { fs::remove_all(dir); }

    // As a kubelet changes a file: another one takes its place.
    std::string put(const std::string& name, const std::string& text) const {
        std::ofstream(dir / "new") << text;
        fs::rename(dir / "new", dir / name);
        return (dir / name).string();
    }
    static tls::KeyPair pair() {
        auto made = tls::make_ca("test", {.not_before = 0, .not_after = 4'000'000'000});
        EXPECT_TRUE(made);
        return *made;
    }
    static SSL_CTX* given(TlsContext& contexts) {
        ssl::context context(ssl::context::tls_client);
        const auto done = contexts.put_into(context);
        EXPECT_TRUE(done) << done.error().to_string();
        return context.native_handle();  // lives on in `contexts`
    }
    static int trusted(SSL_CTX* context) {
        return sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context)));
    }
};

TEST_F(TlsContextTest, IsTheSameUntilAFileChanges) {
    const tls::KeyPair mine = pair();
    config.ca_file = put("ca.crt", mine.certificate_pem);
    config.client_certificate_file = put("tls.crt", mine.certificate_pem);
    config.client_key_file = put("tls.key", mine.key_pem);
    TlsContext contexts(config);
    SSL_CTX* const first = given(contexts);
    EXPECT_EQ(given(contexts), first);
    EXPECT_EQ(trusted(first), 1);
    EXPECT_NE(SSL_CTX_get0_certificate(first), nullptr);
    EXPECT_EQ(SSL_CTX_get_min_proto_version(first), TLS1_2_VERSION);

    put("ca.crt", mine.certificate_pem + pair().certificate_pem);
    SSL_CTX* const second = given(contexts);
    EXPECT_EQ(trusted(second), 2);
    EXPECT_EQ(given(contexts), second);
}

TEST_F(TlsContextTest, AFileThatIsBrokenIsReadAgainUntilItIsMended) {
    const tls::KeyPair mine = pair();
    config.ca_file = put("ca.crt", mine.certificate_pem);
    TlsContext contexts(config);
    given(contexts);
    put("ca.crt", "nonsense");
    ssl::context context(ssl::context::tls_client);
    for (int i = 0; i < 2; ++i) {
        const auto done = contexts.put_into(context);
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().where, config.ca_file);
    }
    put("ca.crt", mine.certificate_pem);
    EXPECT_EQ(trusted(given(contexts)), 1);
}

TEST_F(TlsContextTest, WithoutACaTheSystemsAreTrustedAlsoOnceTheyAreKeptFromLibraries) {
    put("system.pem", pair().certificate_pem);
    ::setenv("SSL_CERT_FILE", (dir / "system.pem").c_str(), 1);
    ::setenv("SSL_CERT_DIR", "/dev/null", 1);
    keep_system_cas_from_libraries();
    TlsContext contexts(config);
    EXPECT_EQ(trusted(given(contexts)), 1);
    ssl::context theirs(ssl::context::tls_client);
    theirs.set_default_verify_paths();
    EXPECT_EQ(trusted(theirs.native_handle()), 0);
}

}  // namespace
}  // namespace steelyard::kube
