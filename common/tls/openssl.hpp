#pragma once
// OpenSSL's objects with owners, and its error queue as text. Private to common/tls/*.cpp.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

namespace steelyard::tls::openssl {

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using BigNumber = std::unique_ptr<BIGNUM, Freed<BN_free>>;

// What the library says went wrong last; empties its queue.
inline std::string last_error() {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    return reason == nullptr ? "unknown error" : reason;
}

inline Bio reader(std::string_view text) { return Bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))}; }

inline std::string text_of(const Bio& bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string{};
}

// A key that is encrypted is never asked a person for.
inline int no_password(char*, int, int, void*) { return 0; }

inline Key read_key(std::string_view pem) {
    const Bio bio = reader(pem);
    return Key{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)};
}

inline Certificate read_certificate(std::string_view pem) {
    const Bio bio = reader(pem);
    return Certificate{PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)};
}

}  // namespace steelyard::tls::openssl
