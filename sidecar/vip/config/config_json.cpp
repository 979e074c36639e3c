#include <set>
#include <utility>

#include "common/config/codec.hpp"
#include "common/json/read.hpp"
#include "sidecar/vip/config/config.hpp"
#include "sidecar/vip/config/json.hpp"
#include "sidecar/vip/vrrp/packet.hpp"

namespace steelyard::vip {
namespace {

using config::Range;

constexpr Range kPriorityRange{1, 255, "a priority"};
constexpr Range kIntervalRange{10, 40'950, "an advertisement interval in milliseconds"};
constexpr Range kDelayRange{0, 3'600'000, "a delay in milliseconds"};
constexpr Range kMomentRange{0, (uint64_t{1} << 53) - 1, "a moment in milliseconds"};
static_assert(kMaxRouterAddresses == kMaxAddresses && kIntervalRange.high == kMaxAdvertInterval.count() &&
              kDelayRange.high == kMaxPreemptDelay.count());

// Refuses fields that are not in `known`: in a file that says what a node does, a misspelled one must not go unseen.
void check_known(const nlohmann::json& object, std::initializer_list<std::string_view> known, const Path& path,
                 Problems& problems) {
    for (const auto& [key, value] : object.items()) {
        if (std::find(known.begin(), known.end(), key) == known.end())
            problems.add(path / config::shown(key), "is not a known field");
    }
}

class RouterReader {
public:
    RouterReader(const nlohmann::json& element, const Path& path, Problems& problems)
        : element_(element), path_(path), problems_(problems), fields_(element_, path_, problems_) {}

    Router read() {
        Router router;
        if (!fields_.is_object()) return router;
        check_known(element_,
                    {"id", "family", "addresses", "interfaces", "priority", "advertisement_interval_ms", "preempt",
                     "preempt_delay_ms", "accept", "peers", "lease_until_ms"},
                    path_, problems_);
        fields_.required_number("id", kRouterIdRange, router.id);
        read_family(fields_, router.family);
        fields_.required_number("priority", kPriorityRange, router.priority);
        router.advertisement_interval = interval(router.advertisement_interval);
        uint64_t delay = 0;
        fields_.number("preempt_delay_ms", kDelayRange, delay);
        router.preempt_delay = Milliseconds{static_cast<int64_t>(delay)};
        fields_.boolean("preempt", router.preempt);
        fields_.boolean("accept", router.accept);
        if (fields_.find("lease_until_ms") != nullptr) {
            fields_.number("lease_until_ms", kMomentRange, router.lease_until_ms.emplace());
        }
        read_addresses(router);
        read_interfaces(router);
        read_peers(router);
        return router;
    }

private:
    Milliseconds interval(Milliseconds otherwise) {
        uint64_t value = static_cast<uint64_t>(otherwise.count());
        fields_.number("advertisement_interval_ms", kIntervalRange, value);
        if (value % 10 != 0) {
            problems_.add(path_ / "advertisement_interval_ms", std::to_string(value) + " is not a multiple of 10");
        }
        return Milliseconds{static_cast<int64_t>(value)};
    }

    // Calls `each(text, path)` for each string of the list.
    template <class Each>
    void texts(const nlohmann::json* list, const char* key, size_t most, Each each) {
        fields_.list(list, key, most, [&](const nlohmann::json& element, const Path& at) {
            if (element.is_string()) {
                each(element.get_ref<const std::string&>(), at);
            } else {
                problems_.add(at, "is " + config::type_of(element) + ", not a string");
            }
        });
    }

    void read_addresses(Router& router) {
        const nlohmann::json* list = fields_.require("addresses");
        if (list != nullptr && list->is_array() && list->empty())
            problems_.add(path_ / "addresses", "is empty; a router needs an address");
        std::set<Ip> seen;
        texts(list, "addresses", kMaxRouterAddresses, [&](const std::string& text, const Path& at) {
            const auto prefix = parse_prefix(text);
            if (!prefix)
                return problems_.add(at, "'" + config::shown(text) + "' is not an IP address, nor one with /LENGTH");
            if (const auto problem = address_problem(prefix->ip, router.family))
                return problems_.add(at, "'" + text + "' " + *problem);
            if (!seen.insert(prefix->ip).second) return problems_.add(at, "'" + text + "' is there twice");
            router.addresses.push_back(*prefix);
        });
    }

    void read_interfaces(Router& router) {
        texts(fields_.find("interfaces"), "interfaces", kMaxRouterInterfaces,
              [&](const std::string& text, const Path& at) {
                  if (const auto problem = interface_problem(text))
                      return problems_.add(at, "'" + config::shown(text) + "' " + *problem);
                  router.interfaces.push_back(text);
              });
    }

    void read_peers(Router& router) {
        texts(fields_.find("peers"), "peers", kMaxRouterPeers, [&](const std::string& text, const Path& at) {
            const auto ip = parse_ip(text);
            if (!ip) return problems_.add(at, "'" + config::shown(text) + "' is not an IP address");
            if (const auto problem = address_problem(*ip, router.family))
                return problems_.add(at, "'" + text + "' " + *problem);
            router.peers.push_back(*ip);
        });
    }

    const nlohmann::json& element_;
    const Path& path_;
    Problems& problems_;
    Fields fields_;
};

// What holds between routers.
void check_together(const std::vector<Router>& routers, const Path& path, Problems& problems) {
    std::set<std::pair<uint8_t, Family>> ids;
    std::set<Ip> addresses;
    for (size_t i = 0; i < routers.size(); ++i) {
        const auto& router = routers[i];
        const Path at = path[i];
        if (!ids.emplace(router.id, router.family).second) {
            problems.add(at / "id", std::to_string(router.id) + " is there twice for " + to_string(router.family));
        }
        for (const auto& address : router.addresses) {
            if (!addresses.insert(address.ip).second)
                problems.add(at / "addresses", "'" + address.ip.to_string() + "' is in another router, too");
        }
    }
}

void append(std::string& out, const char* key, uint64_t value) {
    out += ",\"" + std::string(key) + "\":" + std::to_string(value);
}

void append(std::string& out, const char* key, bool value) {
    out += ",\"" + std::string(key) + "\":" + (value ? "true" : "false");
}

template <class T, class Text>
void append(std::string& out, const char* key, const std::vector<T>& all, Text text) {
    out += ",\"" + std::string(key) + "\":[";
    for (const auto& one : all) {
        if (&one != &all.front()) out += ',';
        config::append_json_string(out, text(one));
    }
    out += ']';
}

std::string text_of(const Prefix& prefix) {
    return prefix.length == prefix.ip.size() * 8 ? prefix.ip.to_string() : prefix.to_string();
}

}  // namespace

Result<Config> decode_config(std::string_view text, const std::string& where) {
    const auto document = parse_json(text);
    if (document.is_discarded()) return Error{where, "is not JSON"};
    Problems problems;
    const Path top;
    const Fields fields{document, top, problems};
    Config config;
    if (fields.is_object() && check_format(fields, top, problems)) {
        check_known(document, {"format", "routers"}, top, problems);
        fields.list(fields.require("routers"), "routers", kMaxRouters,
                    [&](const nlohmann::json& element, const Path& at) {
                        config.routers.push_back(RouterReader(element, at, problems).read());
                    });
    }
    const Path routers = top / "routers";
    if (problems.empty()) check_together(config.routers, routers, problems);
    if (!problems.empty()) return Error{where, problems.first().to_string()};
    return config;
}

std::string encode_config(const Config& config) {
    std::string out = "{\"format\":1,\"routers\":[";
    for (const auto& router : config.routers) {
        if (&router != &config.routers.front()) out += ',';
        out += "\n{\"id\":" + std::to_string(router.id) + ",\"family\":\"" + to_string(router.family) + '"';
        append(out, "addresses", router.addresses, text_of);
        append(out, "interfaces", router.interfaces, [](const std::string& name) { return name; });
        append(out, "priority", uint64_t{router.priority});
        append(out, "advertisement_interval_ms", static_cast<uint64_t>(router.advertisement_interval.count()));
        append(out, "preempt", router.preempt);
        append(out, "preempt_delay_ms", static_cast<uint64_t>(router.preempt_delay.count()));
        append(out, "accept", router.accept);
        append(out, "peers", router.peers, [](const Ip& ip) { return ip.to_string(); });
        if (router.lease_until_ms) append(out, "lease_until_ms", *router.lease_until_ms);
        out += '}';
    }
    return out += "]}\n";
}

}  // namespace steelyard::vip
