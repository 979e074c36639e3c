#include "common/tls/client_context.hpp"

#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>

#include "common/net/asio.hpp"
#include "common/tls/certificate.hpp"
#include "common/tls/openssl.hpp"
#include "common/tls/settings.hpp"

namespace steelyard::tls {
namespace {

namespace ssl = boost::asio::ssl;

Result<std::vector<CertificateInfo>> authorities(const TrustedBundle& bundle) {
    auto all = parse_bundle(bundle.pem, bundle.where);
    if (!all) return all;
    for (size_t i = 0; i < all->size(); ++i) {
        if ((*all)[i].is_ca) continue;
        return Error{bundle.where,
                     "certificate " + std::to_string(i + 1) + " (" + (*all)[i].subject + ") is not a CA's"};
    }
    return all;
}

}  // namespace

Result<void> check_bundle(const TrustedBundle& bundle) {
    const auto all = authorities(bundle);
    if (!all) return all.error();
    return {};
}

Result<std::shared_ptr<ssl::context>> make_client_context(const std::vector<TrustedBundle>& bundles) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    if (auto set = apply_settings(context->native_handle()); !set) return set.error();
    SSL_CTX_set_cert_store(context->native_handle(), X509_STORE_new());  // not the system's CAs
    X509_STORE* store = SSL_CTX_get_cert_store(context->native_handle());
    for (const auto& bundle : bundles) {
        const auto all = authorities(bundle);
        if (!all) return all.error();
        for (const auto& authority : *all) {
            const auto certificate = openssl::read_certificate(authority.pem);
            if (!certificate || X509_STORE_add_cert(store, certificate.get()) != 1) {
                return Error{bundle.where, "cannot be trusted: " + openssl::last_error()};
            }
        }
    }
    context->set_verify_mode(ssl::verify_peer);
    return context;
}

std::string verify_problem(const SSL* connection) {
    const long result = SSL_get_verify_result(connection);
    return result == X509_V_OK ? std::string{} : X509_verify_cert_error_string(result);
}

Result<void> expect_host(SSL* connection, const std::string& host) {
    X509_VERIFY_PARAM* expected = SSL_get0_param(connection);
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    error_code not_ip;
    asio::ip::make_address(host, not_ip);
    bool set = false;
    if (not_ip) {
        set = X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) == 1 &&
              SSL_set_tlsext_host_name(connection, host.c_str()) == 1;
    } else {
        set = X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
    }
    if (!set) return Error{host, "cannot be verified as a server's name: " + openssl::last_error()};
    return {};
}

}  // namespace steelyard::tls
