#include "controller/inject/config.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "common/config/problems.hpp"
#include "controller/inject/syntax.hpp"
#include "controller/inject/yaml_json.hpp"
#include "controller/translate/duration.hpp"

namespace steelyard::inject {
namespace {

using config::Path;
using config::Problems;

constexpr int64_t kMaxUid = 2147483647;  // Kubernetes: runAsUser
constexpr size_t kMaxNetworks = 64;
constexpr uint32_t kMaxDrain = 3'600'000;

std::string shown(const Json& value) {
    return value.is_structured()
               ? std::string(value.is_array() ? "a list" : "a mapping")
               : "'" + config::shown(value.is_string() ? value.get_ref<const std::string&>() : value.dump()) + "'";
}

// Reads the members of one mapping and says which of them it does not know.
class Section {
public:
    Section(const Json& object, const Path& path, Problems& problems)
        : object_(object), path_(path), problems_(problems) {}

    void only(std::initializer_list<std::string_view> known) const {
        for (const auto& [name, value] : object_.items()) {
            if (std::find(known.begin(), known.end(), name) == known.end())
                problems_.add(path_ / config::shown(name), "is not a known key");
        }
    }
    const Json* get(std::string_view name) const { return member(object_, name); }

    void text(std::string_view name, std::string& out, std::string_view what, bool (*good)(std::string_view)) const {
        const Json* value = get(name);
        if (value == nullptr) return;
        if (value->is_string() && good(value->get_ref<const std::string&>())) {
            out = value->get<std::string>();
        } else {
            problems_.add(path_ / name, shown(*value) + " is not " + std::string(what));
        }
    }
    void choice(std::string_view name, std::string& out, std::initializer_list<std::string_view> choices) const {
        const Json* value = get(name);
        if (value == nullptr) return;
        if (value->is_string() &&
            std::find(choices.begin(), choices.end(), value->get_ref<const std::string&>()) != choices.end()) {
            out = value->get<std::string>();
            return;
        }
        std::string all;
        for (const auto one : choices) all += (all.empty() ? "" : ", ") + std::string(one);
        problems_.add(path_ / name, shown(*value) + " is not one of " + all);
    }
    void required(std::string_view name) const {
        if (get(name) == nullptr) problems_.add(path_ / name, "is missing");
    }
    // Each element by `parse`, from its text (numbers as they are written).
    template <class Parse>
    void list(std::string_view name, std::vector<std::string>& out, Parse parse) const {
        const Json* value = get(name);
        if (value == nullptr) return;
        const Path path = path_ / name;
        if (!value->is_array() || value->size() > kMaxNetworks) {
            problems_.add(path, value->is_array() ? "has more than 64 elements" : shown(*value) + " is not a list");
            return;
        }
        for (size_t i = 0; i < value->size(); ++i) {
            const Json& item = (*value)[i];
            Result<std::string> one = item.is_string() ? parse(item.get_ref<const std::string&>())
                                      : item.is_number_integer()
                                          ? parse(item.dump())
                                          : Result<std::string>(Error{"", shown(item) + " is not a text"});
            if (one) {
                out.push_back(*one);
            } else {
                problems_.add(path[i], one.error().problem);
            }
        }
    }

private:
    const Json& object_;
    const Path& path_;
    Problems& problems_;
};

// Kubernetes' resource.Quantity, loosely: what the API server would refuse outright is refused here, before a pod meets it.
bool is_quantity(const Json& value) {
    if (value.is_number()) return value.get<double>() >= 0;
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    const size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || std::count(text.begin(), text.end(), '.') > 1 || text.empty() || text.front() == '.')
        return false;
    if (digits == std::string::npos) return true;
    constexpr std::array<std::string_view, 14> kSuffixes{"n",  "u",  "m",  "k",  "M",  "G", "T",
                                                         "Ki", "Mi", "Gi", "Ti", "Pi", "P", "E"};
    return std::find(kSuffixes.begin(), kSuffixes.end(), std::string_view(text).substr(digits)) != kSuffixes.end();
}

void read_resources(const Json& root, Problems& problems, InjectConfig& out) {
    const Json* resources = member(root, "resources");
    if (resources == nullptr) return;
    const Path top = Path();
    const Path path = top / "resources";
    if (!resources->is_object()) return problems.add(path, shown(*resources) + " is not a mapping");
    Section(*resources, path, problems).only({"requests", "limits"});
    for (const auto& [kind, amounts] : resources->items()) {
        const Path kind_path = path / kind;
        if (amounts.is_null()) continue;
        if (!amounts.is_object()) {
            problems.add(kind_path, shown(amounts) + " is not a mapping");
            continue;
        }
        for (const auto& [name, amount] : amounts.items()) {
            if (!is_quantity(amount))
                problems.add(kind_path / config::shown(name),
                             shown(amount) + " is not a quantity such as 100m or 64Mi");
        }
    }
    if (!resources->empty()) out.resources = resources->dump();
}

void read_switch(const Section& section, const char* key, const Path& path, Problems& problems, bool& out) {
    const Json* value = section.get(key);
    if (value == nullptr) return;
    if (!value->is_boolean()) return problems.add(path / key, shown(*value) + " is neither true nor false");
    out = value->get<bool>();
}

void read_capture(const Json& root, Problems& problems, InjectConfig& out) {
    const Json* capture = member(root, "capture");
    if (capture == nullptr) return;
    const Path top = Path();
    const Path path = top / "capture";
    if (!capture->is_object()) return problems.add(path, shown(*capture) + " is not a mapping");
    const Section section(*capture, path, problems);
    section.only({"enabled", "serviceCIDRs", "excludePorts", "excludeCIDRs"});
    read_switch(section, "enabled", path, problems, out.capture_enabled);
    section.list("serviceCIDRs", out.service_cidrs, parse_cidr);
    section.list("excludeCIDRs", out.exclude_cidrs, parse_cidr);
    section.list("excludePorts", out.exclude_ports, [](std::string_view text) -> Result<std::string> {
        const auto range = parse_port_range(text);
        if (!range) return range.error();
        return range->text();
    });
}

void read_access_log(const Json& root, Problems& problems, InjectConfig& out) {
    const Json* log = member(root, "accessLog");
    if (log == nullptr) return;
    const Path top = Path();
    const Path path = top / "accessLog";
    if (!log->is_object()) return problems.add(path, shown(*log) + " is not a mapping");
    const Section section(*log, path, problems);
    section.only({"enabled", "sample"});
    read_switch(section, "enabled", path, problems, out.access_log_enabled);
    const Json* sample = section.get("sample");
    if (sample == nullptr) return;
    const double share = sample->is_number() ? sample->get<double>() : -1;
    if (share < 0 || share > 1) return problems.add(path / "sample", shown(*sample) + " is not a share from 0 to 1");
    out.access_log_sample = sample->dump();
}

void read_numbers(const Json& root, Problems& problems, InjectConfig& out) {
    const Path top = Path();
    if (const Json* uid = member(root, "proxyUID")) {
        if (uid->is_number_integer() && uid->get<int64_t>() >= 1 && uid->get<int64_t>() <= kMaxUid) {
            out.proxy_uid = uid->get<int64_t>();
        } else {
            problems.add(top / "proxyUID", shown(*uid) + " is not a uid (1-2147483647; root would defeat its purpose)");
        }
    }
    if (const Json* drain = member(root, "drainTimeout")) {
        const auto parsed = drain->is_string()
                                ? translate::parse_duration(drain->get_ref<const std::string&>(), 0, kMaxDrain)
                                : Result<uint32_t>(Error{"", shown(*drain) + " is not a duration such as 30s"});
        if (parsed) {
            out.drain_timeout_s = (*parsed + 999) / 1000;
        } else {
            problems.add(top / "drainTimeout", parsed.error().problem);
        }
    }
}

bool is_image(std::string_view text) { return is_word(text, 1024); }
bool is_audience(std::string_view text) { return is_word(text, 253); }
bool is_controller_url(std::string_view text) { return is_word(text, 1024) && !url_host(text).empty(); }

}  // namespace

std::string url_host(std::string_view url) {
    constexpr std::string_view kPlain = "ws://";
    constexpr std::string_view kSecure = "wss://";
    if (url.starts_with(kPlain)) {
        url.remove_prefix(kPlain.size());
    } else if (url.starts_with(kSecure)) {
        url.remove_prefix(kSecure.size());
    } else {
        return {};
    }
    std::string_view authority = url.substr(0, url.find('/'));
    std::string_view host = authority.substr(0, authority.rfind(':'));
    std::string_view port = host.size() == authority.size() ? "9443" : authority.substr(host.size() + 1);
    if (authority.starts_with('[')) {
        const size_t end = authority.find(']');
        if (end == std::string_view::npos) return {};
        host = authority.substr(1, end - 1);
        port = end + 1 == authority.size() ? "9443" : authority.substr(std::min(end + 2, authority.size()));
    } else if (host.find(':') != std::string_view::npos) {
        return {};
    }
    return parse_port(port) ? std::string(host) : std::string();
}

Result<InjectConfig> parse_inject_config(std::string_view yaml) {
    auto documents = read_yaml(yaml);
    if (!documents) return documents.error();
    if (documents->size() != 1 || !documents->front().is_object())
        return Error{"", documents->size() > 1 ? "has more than one document" : "is not a mapping of settings"};
    const Json& root = documents->front();
    InjectConfig result;
    Problems problems;
    const Path top;
    const Section section(root, top, problems);
    section.only({"image", "imagePullPolicy", "controllerURL", "proxyUID", "tokenAudience", "capture", "resources",
                  "logLevel", "logFormat", "drainTimeout", "accessLog"});
    section.required("image");
    section.required("controllerURL");
    section.text("image", result.image, "an image (visible characters, no spaces)", is_image);
    section.text("controllerURL", result.controller_url, "a URL such as wss://HOST:9443/push", is_controller_url);
    section.text("tokenAudience", result.token_audience, "an audience (visible characters, no spaces)", is_audience);
    section.choice("imagePullPolicy", result.image_pull_policy, {"Always", "IfNotPresent", "Never"});
    section.choice("logLevel", result.log_level, {"trace", "debug", "info", "warn", "error"});
    section.choice("logFormat", result.log_format, {"text", "json"});
    read_numbers(root, problems, result);
    read_capture(root, problems, result);
    read_access_log(root, problems, result);
    read_resources(root, problems, result);
    if (!problems.empty()) return problems.first();
    return result;
}

}  // namespace steelyard::inject
