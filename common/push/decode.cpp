#include <utility>

#include "common/config/fields.hpp"
#include "common/config/validate.hpp"
#include "common/push/codec.hpp"
#include "common/push/frame_sax.hpp"
#include "common/push/lease_codec.hpp"

namespace steelyard::push {
namespace {

using config::Fields;
using config::Path;
using config::Problems;
using nlohmann::json;

constexpr config::Range kProtocolRange{1, 1'000'000, "a protocol version"};
constexpr config::Range kCountRange{0, 0xffffffff, "a count"};
constexpr config::Range kCounterRange{0, 0xffffffffffffffff, "a count"};
constexpr size_t kMaxProblemBytes = 512;

bool is_version(std::string_view text) {
    return !text.empty() && text.size() <= kMaxVersionBytes && config::is_name(text);
}

void check_version(const std::string& version, const char* key, Problems& problems) {
    if (!is_version(version)) {
        problems.add(Path{} / key, "'" + config::shown(version) + "' is not a version (1-" +
                                       std::to_string(kMaxVersionBytes) + " visible ASCII characters)");
    }
}

void check_name(const std::string& name, const Path& path, Problems& problems) {
    if (!config::is_name(name)) {
        problems.add(path, "'" + config::shown(name) + "' is not a name (1-" + std::to_string(config::kMaxNameBytes) +
                               " visible ASCII characters, no spaces)");
    }
}

struct Read {
    std::vector<config::Resource> upsert;
    std::vector<config::ResourceKey> remove;
};

// The frame's members, with the two sections decoded into `read` as they pass.
FrameSax resources_sax(Read& read, Problems& problems) {
    const auto upsert = [&](json& element, size_t index) {
        const Path top;
        const Path section{top, "upsert"};
        auto resource = config::decode_resource(element, section[index], problems);
        if (resource && problems.empty()) read.upsert.push_back(std::move(*resource));
        return !problems.full();
    };
    const auto remove = [&](json& element, size_t index) {
        const Path top;
        const Path section{top, "remove"};
        auto key = config::decode_key(element, section[index], problems);
        if (key && problems.empty()) read.remove.push_back(std::move(*key));
        return !problems.full();
    };
    return FrameSax{{"type", "version", "base", "code", "problem", "ca", "wants", "id", "leases"},
                    {{"upsert", upsert, false}, {"remove", remove, false}},
                    problems};
}

// The version of a frame that is refused, for the nack; "" if it has none that could be repeated.
std::string version_in(const json& root) {
    if (!root.is_object()) return {};
    const auto it = root.find("version");
    if (it == root.end() || !it->is_string()) return {};
    const auto& text = it->get_ref<const std::string&>();
    return is_version(text) ? text : std::string{};
}

std::string type_in(const json& root) {
    if (!root.is_object()) return {};
    const auto it = root.find("type");
    return it != root.end() && it->is_string() ? it->get<std::string>() : std::string{};
}

DecodeFailure refuse(const json& root, Problems problems) {
    const std::string type = type_in(root);
    DecodeFailure failure{std::move(problems), version_in(root), false};
    failure.refusable = (type == "snapshot" || type == "delta") && !failure.version.empty();
    return failure;
}

std::string cut(std::string text) {
    if (text.size() > kMaxProblemBytes) text.resize(kMaxProblemBytes);
    return text;
}

ErrorMessage decode_error(const Fields& fields) {
    ErrorMessage message;
    fields.required_string("code", message.code);
    fields.string("problem", message.problem);
    return {cut(std::move(message.code)), cut(std::move(message.problem))};
}

Trust decode_trust(const Fields& fields, Problems& problems) {
    Trust trust;
    fields.required_string("ca", trust.ca);
    if (problems.empty() && (trust.ca.empty() || trust.ca.size() > kMaxTrustBytes)) {
        problems.add(Path{} / "ca", "has " + std::to_string(trust.ca.size()) + " bytes; 1 to " +
                                        std::to_string(kMaxTrustBytes) + " are allowed");
    }
    return trust;
}

Refused decode_refused(const Fields& fields, Problems& problems) {
    Refused refused;
    fields.list(fields.require("wants"), "wants", kMaxWants, [&](const json& element, const Path& at) {
        const Fields want{element, at, problems};
        if (!want.is_object()) return;
        RefusedWant& kept = refused.wants.emplace_back();
        want.required_string("name", kept.name);
        want.required_string("problem", kept.problem);
        if (problems.empty()) check_name(kept.name, at / "name", problems);
        kept.problem = cut(std::move(kept.problem));
    });
    return refused;
}

Hello decode_hello(const Fields& fields, Problems& problems) {
    Hello hello;
    const Path top;
    uint32_t protocol = kProtocol;
    fields.required_number("protocol", kProtocolRange, protocol);
    hello.protocol = static_cast<int>(protocol);
    fields.required_string("name", hello.name);
    fields.required_string("instance", hello.instance);
    fields.choice(fields.require("role"), "role", parse_role, "sidecar, edge", hello.role);
    fields.string("node", hello.node);
    fields.string("zone", hello.zone);
    fields.string("version", hello.version);
    fields.list(fields.require("wants"), "wants", kMaxWants, [&](const json& element, const Path& at) {
        std::string name = element.is_string() ? element.get<std::string>() : std::string{};
        check_name(name, at, problems);
        hello.wants.push_back(std::move(name));
    });
    fields.list(fields.find("features"), "features", kMaxFeatures, [&](const json& element, const Path& at) {
        std::string feature = element.is_string() ? element.get<std::string>() : std::string{};
        check_name(feature, at, problems);
        hello.features.push_back(std::move(feature));
    });
    if (!problems.empty()) return hello;
    check_name(hello.name, top / "name", problems);
    check_name(hello.instance, top / "instance", problems);
    if (!hello.node.empty()) check_name(hello.node, top / "node", problems);
    if (!hello.zone.empty()) check_name(hello.zone, top / "zone", problems);
    if (!hello.version.empty()) check_version(hello.version, "version", problems);
    return hello;
}

Nack decode_nack(const Fields& fields, Problems& problems) {
    Nack nack;
    fields.required_string("version", nack.version);
    // A longer list than we keep is cut, not refused: what matters is that the frame was.
    fields.list(fields.require("errors"), "errors", kMaxFrameToController, [&](const json& element, const Path& at) {
        if (nack.errors.size() >= config::kMaxProblems) return;
        const Fields error{element, at, problems};
        if (!error.is_object()) return;
        Error& kept = nack.errors.emplace_back();
        error.string("path", kept.where);
        error.required_string("problem", kept.problem);
        kept = {cut(std::move(kept.where)), cut(std::move(kept.problem))};
    });
    return nack;
}

std::optional<bool> parse_ipv6(std::string_view family) {
    if (family != "ipv4" && family != "ipv6") return std::nullopt;
    return family == "ipv6";
}

VirtualIpReport decode_virtual_ip_report(const json& element, const Path& path, Problems& problems) {
    VirtualIpReport ip;
    const Fields fields{element, path, problems};
    if (!fields.is_object()) return ip;
    fields.required_number("router_id", config::kRouterIdRange, ip.router_id);
    fields.choice(fields.require("family"), "family", parse_ipv6, "ipv4, ipv6", ip.ipv6);
    fields.choice(fields.require("state"), "state", parse_virtual_ip_state, "init, backup, master, fault", ip.state);
    fields.texts("addresses", kMaxReportedAddresses, ip.addresses);
    fields.string("interface", ip.interface);
    fields.number("conflicts", kCounterRange, ip.conflicts);
    fields.number("splits", kCounterRange, ip.splits);
    fields.string("problem", ip.problem);
    for (size_t i = 0; i < ip.addresses.size(); ++i) {
        if (!config::is_ip(ip.addresses[i])) {
            problems.add(path / "addresses", "'" + config::shown(ip.addresses[i]) + "' is not an IP address");
        }
    }
    if (!ip.interface.empty()) check_name(ip.interface, path / "interface", problems);
    ip.problem = cut(std::move(ip.problem));
    return ip;
}

Report decode_report(const Fields& fields, Problems& problems) {
    Report report;
    fields.list(fields.find("upstreams"), "upstreams", kMaxReported, [&](const json& element, const Path& at) {
        const Fields upstream{element, at, problems};
        if (!upstream.is_object()) return;
        UpstreamReport& kept = report.upstreams.emplace_back();
        upstream.required_string("name", kept.name);
        upstream.required_number("healthy", kCountRange, kept.healthy);
        upstream.required_number("hosts", kCountRange, kept.hosts);
        if (problems.empty()) check_name(kept.name, at / "name", problems);
    });
    fields.list(fields.find("virtual_ips"), "virtual_ips", kMaxReportedVirtualIps,
                [&](const json& element, const Path& at) {
                    report.virtual_ips.push_back(decode_virtual_ip_report(element, at, problems));
                });
    return report;
}

Ack decode_ack(const Fields& fields, Problems& problems) {
    Ack ack;
    fields.required_string("version", ack.version);
    if (problems.empty()) check_version(ack.version, "version", problems);
    return ack;
}

}  // namespace

Decoded<FromController> decode_from_controller(std::string_view frame) {
    Problems problems;
    Read read;
    FrameSax sax = resources_sax(read, problems);
    sax.read(frame);
    const json& root = sax.root();
    if (!problems.empty()) return refuse(root, std::move(problems));

    const Path top;
    const Fields fields{root, top, problems};
    std::string type, version, base;
    fields.required_string("type", type);
    if (type == "error") {
        ErrorMessage message = decode_error(fields);
        if (!problems.empty()) return refuse(root, std::move(problems));
        return FromController{std::move(message)};
    }
    if (type == "trust" || type == "refused" || type == "grant") {
        FromController message;
        if (type == "trust") message = decode_trust(fields, problems);
        if (type == "refused") message = decode_refused(fields, problems);
        if (type == "grant") message = decode_grant(fields, problems);
        if (!problems.empty()) return refuse(root, std::move(problems));
        return message;
    }
    if (type == "snapshot" || type == "delta") {
        fields.required_string("version", version);
        if (problems.empty()) check_version(version, "version", problems);
        // Without it a snapshot would mean that nothing is left: too much to conclude from an omission.
        if (!sax.saw("upsert")) problems.add(top / "upsert", "is missing");
    } else if (problems.empty()) {
        problems.add(top / "type",
                     "'" + config::shown(type) + "' is not one of snapshot, delta, trust, refused, grant, error");
    }
    if (type == "snapshot" && !read.remove.empty()) problems.add(top / "remove", "has no place in a snapshot");
    if (type == "delta") {
        fields.required_string("base", base);
        if (problems.empty()) check_version(base, "base", problems);
    }
    if (!problems.empty()) return refuse(root, std::move(problems));
    if (type == "snapshot") return FromController{Snapshot{std::move(version), std::move(read.upsert)}};
    return FromController{Delta{std::move(base), std::move(version), std::move(read.upsert), std::move(read.remove)}};
}

Decoded<Snapshot> decode_snapshot_file(std::string_view text) {
    Problems problems;
    Read read;
    FrameSax sax = resources_sax(read, problems);
    sax.read(text);
    const json& root = sax.root();
    if (!problems.empty()) return refuse(root, std::move(problems));

    const Path top;
    const Fields fields{root, top, problems};
    std::string type = "snapshot", version = "file";
    fields.string("type", type);
    fields.string("version", version);
    if (type != "snapshot") problems.add(top / "type", "'" + config::shown(type) + "' is not snapshot");
    if (problems.empty()) check_version(version, "version", problems);
    if (!sax.saw("upsert")) problems.add(top / "upsert", "is missing");
    if (!read.remove.empty()) problems.add(top / "remove", "has no place in a snapshot");
    if (!problems.empty()) return refuse(root, std::move(problems));
    return Snapshot{std::move(version), std::move(read.upsert)};
}

Decoded<FromProxy> decode_from_proxy(std::string_view frame) {
    Problems problems;
    FrameSax sax{{"type", "protocol", "name", "instance", "role", "node", "zone", "wants", "version", "errors",
                  "upstreams", "virtual_ips", "features", "id", "leases"},
                 {},
                 problems};
    if (!sax.read(frame)) return DecodeFailure{std::move(problems), {}, false};
    const Path top;
    const Fields fields{sax.root(), top, problems};
    std::string type;
    fields.required_string("type", type);
    FromProxy message;
    if (type == "hello") {
        message = decode_hello(fields, problems);
    } else if (type == "ack") {
        message = decode_ack(fields, problems);
    } else if (type == "nack") {
        message = decode_nack(fields, problems);
    } else if (type == "report") {
        message = decode_report(fields, problems);
    } else if (type == "claim") {
        message = decode_claim(fields, problems);
    } else if (problems.empty()) {
        problems.add(top / "type", "'" + config::shown(type) + "' is not one of hello, ack, nack, report, claim");
    }
    if (!problems.empty()) return DecodeFailure{std::move(problems), {}, false};
    return message;
}

}  // namespace steelyard::push
