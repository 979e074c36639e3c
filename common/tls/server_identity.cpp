#include "common/tls/server_identity.hpp"

#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>

#include "common/tls/certificate.hpp"
#include "common/tls/openssl.hpp"
#include "common/tls/settings.hpp"

namespace steelyard::tls {

namespace ssl = boost::asio::ssl;

Result<void> ServerIdentity::set(const std::string& certificate_pem, const std::string& key_pem) {
    auto info = parse_certificate(certificate_pem, "server certificate");
    if (!info) return info.error();
    if (!is_key_of(key_pem, certificate_pem)) {
        return Error{"server key", "is not a private key in PEM form that belongs to the certificate"};
    }
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    if (auto set = apply_settings(context->native_handle()); !set) return set;
    boost::system::error_code error;
    context->use_certificate_chain(boost::asio::buffer(certificate_pem), error);
    if (error) return Error{"server certificate", "cannot be used: " + error.message()};
    context->use_private_key(boost::asio::buffer(key_pem), ssl::context::pem, error);
    if (error) return Error{"server key", "cannot be used: " + error.message()};
    SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_num_tickets(context->native_handle(), 0);
    SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
    const std::lock_guard lock{mutex_};
    context_ = std::move(context);
    expires_ = info->not_after;
    return {};
}

std::shared_ptr<ssl::context> ServerIdentity::current() const {
    const std::lock_guard lock{mutex_};
    return context_;
}

int64_t ServerIdentity::expires() const {
    const std::lock_guard lock{mutex_};
    return expires_;
}

}  // namespace steelyard::tls
