#include "controller/kube/tls_context.hpp"

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <boost/asio/buffer.hpp>
#include <cstdlib>
#include <mutex>
#include <string>
#include <utility>

namespace steelyard::kube {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

Error unusable(const ClusterConfig& config, const std::string& file, const char* field, const error_code& error) {
    const std::string reason = ": " + error.message();
    if (!file.empty()) return Error{file, std::string("cannot be used as ") + field + reason};
    return Error{config.source + ": " + field + "-data", "cannot be used" + reason};
}

// The system's CAs, read once: those of the time before keep_system_cas_from_libraries().
X509_STORE* system_cas() {
    static X509_STORE* const kStore = [] {
        X509_STORE* store = X509_STORE_new();
        if (store != nullptr) X509_STORE_set_default_paths(store);
        return store;
    }();
    return kStore;
}

Result<void> trust(ssl::context& context, const ClusterConfig& config) {
    if (config.ca_file.empty() && config.ca_pem.empty()) {
        SSL_CTX_set1_cert_store(context.native_handle(), system_cas());
        return {};
    }
    error_code error;
    if (!config.ca_pem.empty()) {
        context.add_certificate_authority(boost::asio::buffer(config.ca_pem), error);
    } else {
        context.load_verify_file(config.ca_file, error);
    }
    if (error) return unusable(config, config.ca_file, "certificate-authority", error);
    return {};
}

Result<void> configure(ssl::context& context, const ClusterConfig& config) {
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    if (auto trusted = trust(context, config); !trusted) return trusted;
    error_code error;
    context.set_options(ssl::context::default_workarounds, error);
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

}  // namespace

struct TlsContext::Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    int64_t modified_ns = 0;
    int64_t changed_ns = 0;

    friend bool operator==(const Stamp&, const Stamp&) = default;
};

TlsContext::TlsContext(ClusterConfig config) : config_(std::move(config)) {}
TlsContext::~TlsContext() = default;

std::vector<TlsContext::Stamp> TlsContext::stamps() const {
    std::vector<Stamp> all;
    for (const std::string* file : {&config_.ca_file, &config_.client_certificate_file, &config_.client_key_file}) {
        Stamp& stamp = all.emplace_back();
        struct stat info {};
        if (file->empty() || ::stat(file->c_str(), &info) != 0) continue;
        const auto ns = [](const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; };
        stamp = {info.st_dev, info.st_ino, info.st_size, ns(info.st_mtim), ns(info.st_ctim)};
    }
    return all;
}

Result<void> TlsContext::put_into(ssl::context& context) {
    const std::lock_guard lock(mutex_);
    // Taken before the files are read: what is written meanwhile is another stamp the next time.
    if (auto now = stamps(); !made_ || now != stamps_) {
        made_.reset();
        auto fresh = std::make_unique<ssl::context>(ssl::context::tls_client);
        if (auto done = configure(*fresh, config_); !done) return done;
        made_ = std::move(fresh);
        stamps_ = std::move(now);
    }
    SSL_CTX_up_ref(made_->native_handle());
    context = ssl::context(made_->native_handle());
    return {};
}

void keep_system_cas_from_libraries() {
    static std::once_flag once;
    std::call_once(once, [] {
        system_cas();
        ::setenv("SSL_CERT_FILE", "/dev/null", 1);
        ::setenv("SSL_CERT_DIR", "/dev/null", 1);
    });
}

}  // namespace steelyard::kube
