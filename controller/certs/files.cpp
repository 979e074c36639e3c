#include "controller/certs/files.hpp"

#include <fstream>

#include "common/tls/certificate.hpp"

namespace steelyard::certs {
namespace {

Result<std::string> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{path, "cannot be read"};
    std::string text(tls::kMaxPemBytes + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(in.gcount()));
    if (in.bad() || text.empty()) return Error{path, "is empty or cannot be read"};
    if (text.size() > tls::kMaxPemBytes) {
        return Error{path, "has more than " + std::to_string(tls::kMaxPemBytes) + " bytes"};
    }
    return text;
}

}  // namespace

Result<Files> read_files(const std::string& directory) {
    auto certificate = read_file(directory + "/tls.crt");
    if (!certificate) return certificate.error();
    auto key = read_file(directory + "/tls.key");
    if (!key) return key.error();
    auto ca = read_file(directory + "/ca.crt");
    if (!ca) return ca.error();
    return Files{{std::move(*certificate), std::move(*key)}, std::move(*ca)};
}

}  // namespace steelyard::certs
