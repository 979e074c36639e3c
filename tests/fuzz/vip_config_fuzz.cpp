// What may lie where the configuration of virtual IPs should be: no crash; what is accepted is written back the same.
#include <cstdlib>

#include "sidecar/vip/config/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace steelyard;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto config = vip::decode_config(text, "vip.json");
    if (!config) {
        if (config.error().problem.empty() || config.error().where != "vip.json") std::abort();
        return 0;
    }
    for (const auto& router : config->routers) {
        if (router.addresses.empty() || router.id == 0 || router.priority == 0) std::abort();
        for (const auto& name : router.interfaces) vip::matches_interface(name, "eth0.100");
    }
    const auto again = vip::decode_config(vip::encode_config(*config), "vip.json");
    if (!again || !(*again == *config)) std::abort();
    return 0;
}
