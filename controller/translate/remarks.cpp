#include "controller/translate/remarks.hpp"

#include <charconv>
#include <utility>

#include "common/config/model.hpp"
#include "common/config/validate.hpp"
#include "controller/translate/address.hpp"
#include "controller/translate/annotations.hpp"
#include "controller/translate/output.hpp"
#include "controller/translate/service.hpp"

namespace steelyard::translate {
namespace {

std::vector<std::string> texts(Output& out) {
    out.close();
    std::vector<std::string> result;
    // Output puts its subject first; here that is empty.
    for (auto& problem : out.problems)
        result.push_back(problem.message.substr(problem.message.find_first_not_of(": ")));
    return result;
}

}  // namespace

std::optional<uint32_t> parse_weight(std::string_view text) {
    uint32_t weight = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight);
    if (error != std::errc() || end != text.data() + text.size() || weight > config::kMaxWeight) return std::nullopt;
    return weight;
}

std::vector<std::string> remarks(const kube::Service& service) {
    Output out("");
    read_settings(service.meta, out);
    if (service.type != "ExternalName") read_cluster_ips(service, out);
    return texts(out);
}

std::vector<std::string> remarks(const kube::EndpointSlice& slice, const Options& options) {
    Output out("");
    if (slice.address_type != "IPv4" && slice.address_type != "IPv6") return {};
    const Family family = slice.address_type == "IPv4" ? Family::ipv4 : Family::ipv6;
    for (size_t i = 0; i < slice.endpoints.size(); ++i) {
        const auto address = backend_address(slice.endpoints[i].address, family, options.allow_loopback);
        if (address) continue;
        out.refuse(address.error().where.c_str(), "endpoints[" + std::to_string(i) + "].addresses[0]",
                   address.error().problem + "; the endpoint is left out");
    }
    return texts(out);
}

std::vector<std::string> remarks(const kube::Pod& pod) {
    const auto text = pod.meta.annotations.find(kube::kWeightAnnotation);
    if (text == pod.meta.annotations.end() || parse_weight(text->second)) return {};
    return {"metadata.annotations[" + std::string(kube::kWeightAnnotation) + "]: '" + config::shown(text->second) +
            "' is not a whole number from 0 to " + std::to_string(config::kMaxWeight) + "; weight 1 is in force"};
}

}  // namespace steelyard::translate
