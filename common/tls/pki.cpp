#include "common/tls/pki.hpp"

#include <algorithm>

#include "common/net/asio.hpp"
#include "common/tls/openssl.hpp"

namespace steelyard::tls {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::Key;

constexpr int kSerialBits = 127;  // positive, and within the 20 octets that RFC 5280 allows
constexpr size_t kMaxDnsName = 253;
constexpr size_t kMaxNames = 64;
constexpr int kMaxCommonName = 64;

Error failed(const char* what) { return {"certificate", std::string(what) + " failed: " + openssl::last_error()}; }

bool is_ip(const std::string& text) {
    error_code error;
    asio::ip::make_address(text, error);
    return !error;
}

Key new_key() { return Key{EVP_EC_gen("P-256")}; }

bool set_serial(X509* certificate) {
    const openssl::BigNumber number{BN_new()};
    return number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_name(X509* certificate, const std::string& common_name) {
    const std::string text = common_name.substr(0, kMaxCommonName);
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()), -1, 0) == 1;
}

bool add(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509V3_set_ctx_nodb(&context);
    const openssl::Extension extension{X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())};
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

Certificate begin(const std::string& common_name, Validity validity, EVP_PKEY* key) {
    Certificate certificate{X509_new()};
    if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 || !set_serial(certificate.get()) ||
        !set_name(certificate.get(), common_name) ||
        ASN1_TIME_set(X509_getm_notBefore(certificate.get()), validity.not_before) == nullptr ||
        ASN1_TIME_set(X509_getm_notAfter(certificate.get()), validity.not_after) == nullptr ||
        X509_set_pubkey(certificate.get(), key) != 1) {
        certificate.reset();
    }
    return certificate;
}

Result<KeyPair> finish(const Certificate& certificate, EVP_PKEY* signer, const Key& key) {
    if (X509_sign(certificate.get(), signer, EVP_sha256()) == 0) return failed("signing");
    const Bio certificate_out{BIO_new(BIO_s_mem())};
    const Bio key_out{BIO_new(BIO_s_secmem())};
    if (PEM_write_bio_X509(certificate_out.get(), certificate.get()) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        return failed("writing PEM");
    }
    return KeyPair{openssl::text_of(certificate_out), openssl::text_of(key_out)};
}

bool is_dns_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

}  // namespace

std::string name_problem(const std::string& name) {
    if (is_ip(name)) return {};
    if (name.empty() || name.size() > kMaxDnsName) return "a DNS name has 1 to 253 characters";
    std::string_view rest = name;
    if (rest.substr(0, 2) == "*.") rest.remove_prefix(2);
    while (true) {
        const std::string_view label = rest.substr(0, rest.find('.'));
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
            !std::all_of(label.begin(), label.end(), is_dns_character)) {
            return "'" + std::string(label) + "' is not a label of a DNS name, and the whole is no IP address";
        }
        if (label.size() == rest.size()) return {};
        rest.remove_prefix(label.size() + 1);
    }
}

Result<KeyPair> make_ca(const std::string& common_name, Validity validity) {
    if (validity.not_before >= validity.not_after) return Error{"certificate", "it would end before it begins"};
    const Key key = new_key();
    if (!key) return failed("making a key");
    const Certificate ca = begin(common_name, validity, key.get());
    if (!ca || X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get())) != 1 ||
        !add(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !add(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add(ca.get(), ca.get(), NID_subject_key_identifier, "hash")) {
        return failed("making a CA certificate");
    }
    return finish(ca, key.get(), key);
}

Result<KeyPair> issue(const KeyPair& ca, const std::vector<std::string>& names, Validity validity) {
    if (names.empty() || names.size() > kMaxNames) return Error{"certificate", "needs 1 to 64 names"};
    std::string alternatives;
    for (const auto& name : names) {
        if (const std::string problem = name_problem(name); !problem.empty()) return Error{name, problem};
        alternatives += (alternatives.empty() ? "" : ",") + std::string(is_ip(name) ? "IP:" : "DNS:") + name;
    }
    const Certificate issuer = openssl::read_certificate(ca.certificate_pem);
    const Key issuer_key = openssl::read_key(ca.key_pem);
    if (!issuer || !issuer_key) return failed("reading the CA");
    auto issuer_info = parse_certificate(ca.certificate_pem, "CA certificate");
    if (!issuer_info) return issuer_info.error();
    validity.not_after = std::min(validity.not_after, issuer_info->not_after);
    if (validity.not_before >= validity.not_after) return Error{"certificate", "its CA has expired"};
    const Key key = new_key();
    if (!key) return failed("making a key");
    const Certificate leaf = begin(names.front(), validity, key.get());
    if (!leaf || X509_set_issuer_name(leaf.get(), X509_get_subject_name(issuer.get())) != 1 ||
        !add(leaf.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE") ||
        !add(leaf.get(), issuer.get(), NID_key_usage, "critical,digitalSignature") ||
        !add(leaf.get(), issuer.get(), NID_ext_key_usage, "serverAuth") ||
        !add(leaf.get(), issuer.get(), NID_subject_key_identifier, "hash") ||
        !add(leaf.get(), issuer.get(), NID_authority_key_identifier, "keyid:always") ||
        !add(leaf.get(), issuer.get(), NID_subject_alt_name, alternatives)) {
        return failed("making a server certificate");
    }
    return finish(leaf, issuer_key.get(), key);
}

}  // namespace steelyard::tls
