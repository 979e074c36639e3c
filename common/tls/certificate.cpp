#include "common/tls/certificate.hpp"

#include <openssl/asn1.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/net/asio.hpp"
#include "common/tls/openssl.hpp"

namespace steelyard::tls {
namespace {

using openssl::Bio;
using openssl::Certificate;

std::string hex(const unsigned char* data, size_t size) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(size * 2);
    for (size_t i = 0; i < size; ++i) {
        out += kDigits[data[i] >> 4];
        out += kDigits[data[i] & 15];
    }
    return out;
}

// nullopt-like: false when the time is none that a calendar has.
bool seconds_of(const ASN1_TIME* time, int64_t& seconds) {
    std::tm broken{};
    if (ASN1_TIME_to_tm(time, &broken) != 1) return false;
    seconds = ::timegm(&broken);
    return true;
}

std::string ip_text(const unsigned char* data, int size) {
    if (size == 4) {
        asio::ip::address_v4::bytes_type bytes;
        std::copy_n(data, 4, bytes.begin());
        return asio::ip::address_v4(bytes).to_string();
    }
    if (size == 16) {
        asio::ip::address_v6::bytes_type bytes;
        std::copy_n(data, 16, bytes.begin());
        return asio::ip::address_v6(bytes).to_string();
    }
    return {};
}

std::vector<std::string> names_of(X509* certificate) {
    std::vector<std::string> names;
    auto* all = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
        const ASN1_STRING* text = name->type == GEN_DNS     ? name->d.dNSName
                                  : name->type == GEN_IPADD ? name->d.iPAddress
                                                            : nullptr;
        if (text == nullptr) continue;
        const unsigned char* data = ASN1_STRING_get0_data(text);
        const int size = ASN1_STRING_length(text);
        names.push_back(name->type == GEN_IPADD ? ip_text(data, size)
                                                : std::string(reinterpret_cast<const char*>(data), size_t(size)));
    }
    GENERAL_NAMES_free(all);
    std::sort(names.begin(), names.end());
    return names;
}

std::string common_name(X509* certificate) {
    std::array<char, 256> text{};
    const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text.data(),
                                               static_cast<int>(text.size()));
    return size < 0 ? std::string{} : std::string(text.data(), static_cast<size_t>(size));
}

Result<CertificateInfo> info_of(X509* certificate, const std::string& where) {
    CertificateInfo info;
    info.subject = common_name(certificate);
    info.names = names_of(certificate);
    if (!seconds_of(X509_get0_notBefore(certificate), info.not_before) ||
        !seconds_of(X509_get0_notAfter(certificate), info.not_after)) {
        return Error{where, "holds a certificate whose dates cannot be read"};
    }
    info.is_ca = X509_check_ca(certificate) == 1;
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    X509_digest(certificate, EVP_sha256(), digest.data(), nullptr);
    info.fingerprint = hex(digest.data(), digest.size());
    const Bio out{BIO_new(BIO_s_mem())};
    PEM_write_bio_X509(out.get(), certificate);
    info.pem = openssl::text_of(out);
    return info;
}

Result<std::vector<CertificateInfo>> read(std::string_view pem, const std::string& where, size_t at_most) {
    if (pem.size() > kMaxPemBytes) {
        return Error{where, "has " + std::to_string(pem.size()) + " bytes; certificates may have " +
                                std::to_string(kMaxPemBytes)};
    }
    ERR_clear_error();  // what others left on this thread's queue is not about this text
    const Bio in = openssl::reader(pem);
    std::vector<CertificateInfo> all;
    while (all.size() < at_most) {
        const Certificate certificate{PEM_read_bio_X509(in.get(), nullptr, openssl::no_password, nullptr)};
        if (!certificate) break;
        auto info = info_of(certificate.get(), where);
        if (!info) return info.error();
        all.push_back(std::move(*info));
    }
    const unsigned long code = ERR_peek_last_error();
    const bool at_end = code == 0 || ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    const std::string problem = openssl::last_error();
    if (!at_end) {
        return Error{where, "certificate " + std::to_string(all.size() + 1) + " cannot be read: " + problem};
    }
    if (all.empty()) return Error{where, "holds no certificate in PEM form"};
    return all;
}

}  // namespace

Result<CertificateInfo> parse_certificate(std::string_view pem, const std::string& where) {
    auto all = read(pem, where, 1);
    if (!all) return all.error();
    return std::move(all->front());
}

Result<std::vector<CertificateInfo>> parse_bundle(std::string_view pem, const std::string& where) {
    auto all = read(pem, where, kMaxBundle + 1);
    if (all && all->size() > kMaxBundle) {
        return Error{where, "holds more than " + std::to_string(kMaxBundle) + " certificates"};
    }
    return all;
}

std::string join(const std::vector<std::string>& pems) {
    std::string out;
    std::set<std::string_view> seen;
    for (const auto& pem : pems) {
        if (pem.empty() || !seen.insert(pem).second) continue;
        out += pem;
        if (out.back() != '\n') out += '\n';
    }
    return out;
}

bool is_signed_by(std::string_view certificate_pem, std::string_view ca_pem) {
    const Certificate certificate = openssl::read_certificate(certificate_pem);
    const Certificate ca = openssl::read_certificate(ca_pem);
    const bool yes = certificate && ca && X509_check_issued(ca.get(), certificate.get()) == X509_V_OK &&
                     X509_verify(certificate.get(), X509_get0_pubkey(ca.get())) == 1;
    ERR_clear_error();
    return yes;
}

bool is_key_of(std::string_view key_pem, std::string_view certificate_pem) {
    const openssl::Key key = openssl::read_key(key_pem);
    const Certificate certificate = openssl::read_certificate(certificate_pem);
    const bool yes = key && certificate && X509_check_private_key(certificate.get(), key.get()) == 1;
    ERR_clear_error();
    return yes;
}

std::string sha256(std::string_view data) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    ::SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest.data());
    return hex(digest.data(), digest.size());
}

}  // namespace steelyard::tls
