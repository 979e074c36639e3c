#include "sidecar/vip/config/state_file.hpp"

#include "common/config/codec.hpp"
#include "common/files/text_file.hpp"
#include "common/json/read.hpp"
#include "sidecar/vip/config/json.hpp"

namespace steelyard::vip {
namespace {

constexpr size_t kMaxListed = 64;                     // addresses of one router
constexpr size_t kMaxWrittenText = 512;               // bytes of a problem
constexpr size_t kMaxReadText = 3 * kMaxWrittenText;  // each byte that is not UTF-8 is written as three
constexpr size_t kMaxShortText = 64;                  // of a boot id or an interface
constexpr config::Range kAnyPriority{0, 255, "a priority"};

std::optional<RouterState> parse_state(std::string_view text) {
    for (const auto state : {RouterState::init, RouterState::backup, RouterState::master, RouterState::fault}) {
        if (text == to_string(state)) return state;
    }
    return std::nullopt;
}

void check_size(const std::string& text, size_t most, const Path& path, Problems& problems) {
    if (text.size() > most) problems.add(path, "is longer than " + std::to_string(most) + " bytes");
}

RouterStatus read_router(const nlohmann::json& element, const Path& path, Problems& problems) {
    RouterStatus router;
    const Fields fields{element, path, problems};
    if (!fields.is_object()) return router;
    fields.required_number("id", kRouterIdRange, router.id);
    read_family(fields, router.family);
    fields.string("interface", router.interface);
    check_size(router.interface, kMaxShortText, path / "interface", problems);
    fields.choice(fields.require("state"), "state", parse_state, "init, backup, master, fault", router.state);
    fields.number("priority", kAnyPriority, router.priority);
    fields.number("since_ms", kAnyNumber, router.since_ms);
    fields.number("conflicts", kAnyNumber, router.conflicts);
    fields.number("splits", kAnyNumber, router.splits);
    fields.string("problem", router.problem);
    check_size(router.problem, kMaxReadText, path / "problem", problems);
    fields.list(fields.find("addresses"), "addresses", kMaxListed, [&](const nlohmann::json& address, const Path& at) {
        const auto prefix =
            address.is_string() ? parse_prefix(address.get_ref<const std::string&>()) : std::optional<Prefix>{};
        if (!prefix || prefix->ip.family != router.family) {
            problems.add(at, "is not an IP address of " + std::string(to_string(router.family)));
        } else {
            router.addresses.push_back(*prefix);
        }
    });
    return router;
}

// The beginning of a text, without half a character at its end.
std::string_view cut(std::string_view text) {
    if (text.size() <= kMaxWrittenText) return text;
    size_t size = kMaxWrittenText;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
    return text.substr(0, size);
}

void append_router(std::string& out, const RouterStatus& router) {
    out += "\n{\"id\":" + std::to_string(router.id) + ",\"family\":\"" + to_string(router.family) + "\",\"interface\":";
    config::append_json_string(out, router.interface);
    out += std::string(",\"state\":\"") + to_string(router.state) +
           "\",\"priority\":" + std::to_string(router.priority) + ",\"addresses\":[";
    for (const auto& address : router.addresses) {
        if (&address != &router.addresses.front()) out += ',';
        const bool whole = address.length == address.ip.size() * 8;
        out += '"' + (whole ? address.ip.to_string() : address.to_string()) + '"';
    }
    out += "],\"since_ms\":" + std::to_string(router.since_ms) + ",\"conflicts\":" + std::to_string(router.conflicts) +
           ",\"splits\":" + std::to_string(router.splits) + ",\"problem\":";
    config::append_json_string(out, cut(router.problem));
    out += '}';
}

}  // namespace

const char* to_string(RouterState state) {
    switch (state) {
        case RouterState::init:
            return "init";
        case RouterState::backup:
            return "backup";
        case RouterState::master:
            return "master";
        case RouterState::fault:
            return "fault";
    }
    return "init";
}

std::string encode_state(const StateFile& state) {
    std::string out = "{\"format\":1,\"boot_id\":";
    out.reserve(128 + state.routers.size() * 256);
    config::append_json_string(out, state.boot_id);
    out += ",\"monotonic_ms\":" + std::to_string(state.monotonic_ms) + ",\"routers\":[";
    for (const auto& router : state.routers) {
        if (&router != &state.routers.front()) out += ',';
        append_router(out, router);
    }
    out += "],\"kept\":[";
    for (const auto& ip : state.kept) {
        if (&ip != &state.kept.front()) out += ',';
        out += '"' + ip.to_string() + '"';
    }
    return out += "]}\n";
}

Result<StateFile> decode_state(std::string_view text, const std::string& where) {
    const auto document = parse_json(text);
    if (document.is_discarded()) return Error{where, "is not JSON"};
    Problems problems;
    const Path top;
    const Fields fields{document, top, problems};
    StateFile state;
    if (fields.is_object() && check_format(fields, top, problems)) {
        fields.required_string("boot_id", state.boot_id);
        check_size(state.boot_id, kMaxShortText, top / "boot_id", problems);
        fields.required_number("monotonic_ms", kAnyNumber, state.monotonic_ms);
        fields.list(fields.require("routers"), "routers", kMaxStateRouters,
                    [&](const nlohmann::json& element, const Path& at) {
                        state.routers.push_back(read_router(element, at, problems));
                    });
        fields.list(fields.find("kept"), "kept", kMaxStateRouters * kMaxListed,
                    [&](const nlohmann::json& element, const Path& at) {
                        const auto ip = element.is_string() ? Ip::parse(element.get_ref<const std::string&>())
                                                            : std::optional<Ip>{};
                        if (ip) {
                            state.kept.push_back(*ip);
                        } else {
                            problems.add(at, "is not an IP address");
                        }
                    });
    }
    if (!problems.empty()) return Error{where, problems.first().to_string()};
    return state;
}

Result<std::optional<StateFile>> load_state(const std::string& path) {
    const auto text = files::read_text_file(path, kMaxStateBytes);
    if (!text) return text.error();
    if (!*text) return std::optional<StateFile>{};
    auto state = decode_state(**text, path);
    if (!state) return state.error();
    return std::optional<StateFile>{std::move(*state)};
}

bool is_fresh(const StateFile& state, std::string_view boot_id, uint64_t now_ms, Milliseconds most) {
    return !boot_id.empty() && state.boot_id == boot_id && state.monotonic_ms <= now_ms &&
           now_ms - state.monotonic_ms < static_cast<uint64_t>(most.count());
}

}  // namespace steelyard::vip
