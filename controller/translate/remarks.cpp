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

std::optional<uint32_t> parse_number(std::string_view text, uint32_t most) {
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number > most) return std::nullopt;
    return number;
}

}  // namespace

std::optional<uint32_t> parse_weight(std::string_view text) { return parse_number(text, config::kMaxWeight); }

std::optional<uint8_t> parse_priority(std::string_view text) {
    const auto priority = parse_number(text, config::kMaxPriority);
    if (!priority) return std::nullopt;
    return static_cast<uint8_t>(*priority);
}

std::vector<std::string> remarks(const kube::Service& service) {
    Output out("");
    read_settings(service, out);
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
    std::vector<std::string> said;
    const auto check = [&](std::string_view name, uint32_t most, const char* in_force) {
        const auto text = pod.meta.annotations.find(name);
        if (text == pod.meta.annotations.end() || parse_number(text->second, most)) return;
        said.push_back("metadata.annotations[" + std::string(name) + "]: '" + config::shown(text->second) +
                       "' is not a whole number from 0 to " + std::to_string(most) + "; " + in_force + " is in force");
    };
    check(kube::kWeightAnnotation, config::kMaxWeight, "weight 1");
    check(kube::kPriorityAnnotation, config::kMaxPriority, "priority 0");
    return said;
}

}  // namespace steelyard::translate
