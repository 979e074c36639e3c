#include "controller/certs/secret.hpp"

#include <openssl/evp.h>

#include <array>
#include <utility>

#include "common/json/read.hpp"
#include "controller/kube/base64.hpp"

namespace steelyard::certs {
namespace {

using nlohmann::json;

template <class M>
auto fields(M& material) {
    return std::array{std::pair{"ca.crt", &material.ca.certificate_pem},
                      std::pair{"ca.key", &material.ca.key_pem},
                      std::pair{"next-ca.crt", &material.next_ca.certificate_pem},
                      std::pair{"next-ca.key", &material.next_ca.key_pem},
                      std::pair{"previous-ca.crt", &material.previous_ca},
                      std::pair{"tls.crt", &material.server.certificate_pem},
                      std::pair{"tls.key", &material.server.key_pem}};
}

}  // namespace

Material material_of(const json& secret) {
    Material material;
    const json& data = object_of(secret, "data");
    for (const auto& [key, value] : fields(material)) {
        if (auto bytes = kube::base64_decode(text_of(data, key))) *value = std::move(*bytes);
    }
    return material;
}

void put(json& secret, const Material& material) {
    json& data = secret["data"];
    if (!data.is_object()) data = json::object();
    for (const auto& [key, value] : fields(material)) {
        if (value->empty()) {
            data.erase(key);
        } else {
            data[key] = base64(*value);
        }
    }
}

std::string base64(std::string_view bytes) {
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    out.resize(static_cast<size_t>(size));
    return out;
}

}  // namespace steelyard::certs
