// The file's format and its way to and from the disk; the thread that saves is state_writer.cpp.
#include "sidecar/config/state_file.hpp"

#include <cstdio>

#include "common/config/fields.hpp"
#include "common/files/text_file.hpp"
#include "common/json/read.hpp"
#include "common/push/codec.hpp"

namespace steelyard::config {
namespace {

constexpr std::string_view kFormat = "steelyard-state";
constexpr uint64_t kFormatVersion = 1;
constexpr size_t kMaxFileBytes = 256u << 20;
constexpr size_t kMaxHeaderBytes = 4096;
constexpr Range kAnyNumber{0, ~0ull, "a number"};

// FNV-1a, 64 bits: enough to tell a torn or edited file from a whole one.
std::string checksum_of(std::string_view text) {
    uint64_t hash = 14695981039346656037ull;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
    return digits;
}

// The first problem of a snapshot, under the file's name.
Error snapshot_error(const push::DecodeFailure& failure, const std::string& where) {
    return {where, failure.problems.first().to_string()};
}

std::string encode_snapshot(const Image& image) {
    size_t reserve = 400 * (image.listeners.size() + image.virtual_ips.size() + image.upstreams.size());
    for (const auto& slice : image.slices) reserve += json_size_hint(*slice);
    auto writer = push::FrameWriter::snapshot(image.version, reserve);
    for (const auto& listener : image.listeners) writer.upsert(*listener);
    for (const auto& ip : image.virtual_ips) writer.upsert(*ip);
    for (const auto& upstream : image.upstreams) writer.upsert(*upstream);
    for (const auto& slice : image.slices) writer.upsert(*slice);
    return writer.finish();
}

}  // namespace

std::string encode_state(const Image& image) {
    const std::string snapshot = encode_snapshot(image) + "\n";
    std::string out = R"({"format":"steelyard-state","format_version":1,"subscription":)";
    out.reserve(snapshot.size() + 256);
    append_json_string(out, image.subscription);
    out += ",\"bytes\":" + std::to_string(snapshot.size()) + ",\"checksum\":\"" + checksum_of(snapshot) + "\"}\n";
    return out += snapshot;
}

Result<Restored> decode_state(std::string_view text, const std::string& where) {
    const size_t newline = text.find('\n');
    if (newline == std::string_view::npos || newline > kMaxHeaderBytes) {
        return Error{where, "is not a state file: its first line is not a header"};
    }
    const auto header = parse_json(text.substr(0, newline));
    const std::string_view body = text.substr(newline + 1);
    if (!header.is_object()) return Error{where, "is not a state file: its first line is not a header"};

    Problems problems;
    const Path top;
    const Fields fields{header, top, problems};
    std::string format, checksum, subscription;
    uint64_t version = 0, bytes = 0;
    fields.required_string("format", format);
    fields.required_number("format_version", kAnyNumber, version);
    if (problems.empty() && format != kFormat)
        problems.add(top / "format", "'" + shown(format) + "' is not " + std::string(kFormat));
    if (problems.empty() && version != kFormatVersion) {
        problems.add(top / "format_version", std::to_string(version) + " is not 1, the one this program reads");
    }
    if (!problems.empty()) return Error{where, "is not a state file of ours: " + problems.first().to_string()};
    fields.required_string("subscription", subscription);
    fields.required_string("checksum", checksum);
    fields.required_number("bytes", kAnyNumber, bytes);
    if (!problems.empty()) return Error{where, problems.first().to_string()};
    if (bytes != body.size()) {
        return Error{where,
                     "is torn: " + std::to_string(body.size()) + " bytes of " + std::to_string(bytes) + " are there"};
    }
    if (checksum_of(body) != checksum) return Error{where, "is corrupt: its checksum does not match"};
    auto decoded = push::decode_snapshot_file(body);
    if (const auto* failure = std::get_if<push::DecodeFailure>(&decoded)) return snapshot_error(*failure, where);
    return Restored{std::get<push::Snapshot>(std::move(decoded)), std::move(subscription)};
}

Result<std::optional<Restored>> load_state_file(const std::string& path) {
    const auto text = files::read_text_file(path, kMaxFileBytes);
    if (!text) return text.error();
    if (!*text) return std::optional<Restored>{};
    auto restored = decode_state(**text, path);
    if (!restored) return restored.error();
    return std::optional<Restored>{std::move(*restored)};
}

Result<push::Snapshot> load_config_file(const std::string& path) {
    const auto text = files::read_text_file(path, kMaxFileBytes);
    if (!text) return text.error();
    if (!*text) return Error{path, "there is no such file"};
    auto decoded = push::decode_snapshot_file(**text);
    if (const auto* failure = std::get_if<push::DecodeFailure>(&decoded)) return snapshot_error(*failure, path);
    return std::get<push::Snapshot>(std::move(decoded));
}

Result<void> write_state_file(const std::string& path, const std::string& text) {
    return files::replace_text_file(path, text, files::Keep::durably);
}

}  // namespace steelyard::config
