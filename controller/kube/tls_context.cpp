#include "controller/kube/tls_context.hpp"

#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <string>

namespace steelyard::kube {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

Error unusable(const ClusterConfig& config, const std::string& file, const char* field, const error_code& error) {
    const std::string reason = ": " + error.message();
    if (!file.empty()) return Error{file, std::string("cannot be used as ") + field + reason};
    return Error{config.source + ": " + field + "-data", "cannot be used" + reason};
}

}  // namespace

Result<void> configure_tls(ssl::context& context, const ClusterConfig& config) {
    error_code error;
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    if (!config.ca_file.empty() || !config.ca_pem.empty()) {
        SSL_CTX_set_cert_store(context.native_handle(),
                               X509_STORE_new());  // the library has loaded the system's: drop them
        if (!config.ca_pem.empty()) {
            context.add_certificate_authority(boost::asio::buffer(config.ca_pem), error);
        } else {
            context.load_verify_file(config.ca_file, error);
        }
        if (error) return unusable(config, config.ca_file, "certificate-authority", error);
    }
    if (!config.client_certificate_pem.empty()) {
        context.use_certificate_chain(boost::asio::buffer(config.client_certificate_pem), error);
    } else if (!config.client_certificate_file.empty()) {
        context.use_certificate_chain_file(config.client_certificate_file, error);
    }
    if (error) return unusable(config, config.client_certificate_file, "client-certificate", error);
    if (!config.client_key_pem.empty()) {
        context.use_private_key(boost::asio::buffer(config.client_key_pem), ssl::context::pem, error);
    } else if (!config.client_key_file.empty()) {
        context.use_private_key_file(config.client_key_file, ssl::context::pem, error);
    }
    if (error) return unusable(config, config.client_key_file, "client-key", error);
    return {};
}

}  // namespace steelyard::kube
