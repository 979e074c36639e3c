// The part of a policy that is for HTTP: spec.http.
#include <algorithm>
#include <array>

#include "common/config/validate.hpp"
#include "controller/policy/reader.hpp"

namespace steelyard::policy {
namespace {

using config::HeaderEdit;

constexpr size_t kMaxEditsOfAKind = 16;

// A text that `put` sets in a policy, judged as a proxy would.
template <class Put>
void judged_text(const Object& object, const char* name, std::string& out, Put&& put) {
    if (!object.text(name, out)) return;
    if (out.empty()) return object.wrong(name, "is empty");
    config::Policy sample;
    put(sample.http, out);
    judge(sample, object.path() / name, object.context());
}

std::string read_host(const json& value, const Path& path, Context& context) {
    enum class Type : uint8_t { preserve, rewrite } type{};
    const Object object(value, path, context, {"type", "value"});
    std::string host;
    object.require("type", " (Preserve or Rewrite)");
    const bool typed = object.choice("type", {{"Preserve", Type::preserve}, {"Rewrite", Type::rewrite}}, type);
    judged_text(object, "value", host, [](config::HttpPolicy& http, const std::string& text) { http.host = text; });
    if (typed && type == Type::rewrite && !object.has("value")) object.wrong("value", "is missing: the host to send");
    if (typed && type == Type::preserve && object.has("value")) object.wrong("value", "belongs to the type Rewrite");
    return typed && type == Type::rewrite ? host : std::string();
}

config::PathRewrite read_path(const json& value, const Path& path, Context& context) {
    const Object object(value, path, context, {"prefix", "replacement"});
    config::PathRewrite rewrite;
    for (const char* name : {"prefix", "replacement"}) {
        object.require(name, "");
    }
    judged_text(object, "prefix", rewrite.prefix,
                [](config::HttpPolicy& http, const std::string& text) { http.path.emplace().prefix = text; });
    judged_text(object, "replacement", rewrite.replacement,
                [](config::HttpPolicy& http, const std::string& text) { http.path.emplace().replacement = text; });
    return rewrite;
}

config::Redirect read_redirect(const json& value, const Path& path, Context& context) {
    const Object object(value, path, context, {"scheme", "host", "port", "statusCode"});
    config::Redirect redirect;
    object.choice("scheme", {{"http", std::string("http")}, {"https", std::string("https")}}, redirect.scheme);
    judged_text(object, "host", redirect.host,
                [](config::HttpPolicy& http, const std::string& text) { http.redirect.emplace().host = text; });
    uint32_t port = 0;
    object.whole("port", config::kPortRange, port);
    redirect.port = static_cast<uint16_t>(port);
    if (const json* status = object.find("statusCode")) {
        constexpr std::array<uint16_t, 5> kStatuses{301, 302, 303, 307, 308};
        const uint64_t number = status->is_number_unsigned() ? status->get<uint64_t>() : 0;
        if (std::find(kStatuses.begin(), kStatuses.end(), number) == kStatuses.end()) {
            object.wrong("statusCode", shown(*status) + " is none of 301, 302, 303, 307, 308");
        } else {
            redirect.status = static_cast<uint16_t>(number);
        }
    }
    if (value.is_object() && !object.has("scheme") && !object.has("host") && !object.has("port"))
        context.problems.add(path, "needs one of scheme, host and port: it would lead back to where it came from");
    return redirect;
}

// The changes of one direction. What a proxy would refuse of one is said where that one stands.
class Edits {
public:
    using List = std::vector<HeaderEdit> config::HttpPolicy::*;

    Edits(const json& value, const Path& path, List list, Context& context)
        : object_(value, path, context, {"set", "add", "remove"}), list_(list), context_(context) {}

    std::vector<HeaderEdit> read() {
        for (const auto& [name, kind] : {std::pair{"set", HeaderEdit::Kind::set}, {"add", HeaderEdit::Kind::add}}) {
            object_.each(name, 0, kMaxEditsOfAKind, [&, edit_kind = kind](const json& value, const Path& at) {
                const Object field(value, at, context_, {"name", "value"});
                HeaderEdit edit{edit_kind, {}, {}};
                if (value.is_null()) context_.problems.add(at, "is null, not an object");
                const bool named = field.required_text("name", edit.name);
                field.required_text("value", edit.value);
                if (named) take(std::move(edit), at / "name", at / "value");
            });
        }
        object_.each("remove", 0, kMaxEditsOfAKind, [&](const json& value, const Path& at) {
            HeaderEdit edit{HeaderEdit::Kind::remove, {}, {}};
            if (text_of(value, at, context_, edit.name)) take(std::move(edit), at, at);
        });
        for (const Error& error : refused()) {
            if (!error.where.ends_with("name") && !error.where.ends_with("value"))
                context_.problems.add(object_.path(), error.problem);
        }
        return std::move(edits_);
    }

private:
    void take(HeaderEdit edit, const Path& name, const Path& value) {
        edits_.push_back(std::move(edit));
        const std::string mine = "[" + std::to_string(edits_.size() - 1) + "].";
        for (const Error& error : refused()) {
            if (error.where.find(mine) == std::string::npos) continue;
            context_.problems.add(error.where.ends_with("name") ? name : value, error.problem);
        }
    }
    // What is wrong with the edits so far.
    std::vector<Error> refused() const {
        config::Policy sample;
        sample.http.*list_ = edits_;
        config::Problems problems;
        config::validate(sample, Path(), problems);
        return problems.errors();
    }

    const Object object_;
    const List list_;
    Context& context_;
    std::vector<HeaderEdit> edits_;
};

config::Compression read_compression(const json& value, const Path& path, Context& context) {
    using config::Coding;
    const Object object(value, path, context, {"algorithms", "minimumBytes", "types"});
    config::Compression compression;
    constexpr std::array<std::pair<std::string_view, Coding>, 3> kNames{
        {{"Zstd", Coding::zstd}, {"Brotli", Coding::brotli}, {"Gzip", Coding::gzip}}};
    if (object.has("algorithms")) compression.codings.clear();
    object.each("algorithms", 1, kNames.size(), [&](const json& element, const Path& at) {
        std::string text;
        if (!text_of(element, at, context, text)) return;
        const auto known =
            std::find_if(kNames.begin(), kNames.end(), [&](const auto& name) { return name.first == text; });
        if (known == kNames.end()) {
            context.problems.add(at, "'" + config::shown(text) + "' is none of Zstd, Brotli, Gzip");
        } else if (std::count(compression.codings.begin(), compression.codings.end(), known->second) != 0) {
            context.problems.add(at, "'" + text + "' is named before it as well");
        } else {
            compression.codings.push_back(known->second);
        }
    });
    object.whole("minimumBytes", config::kMinBytesRange, compression.min_bytes);
    object.each("types", 0, config::kMaxCompressedTypes, [&](const json& element, const Path& at) {
        std::string& type = compression.types.emplace_back();
        if (!text_of(element, at, context, type)) return;
        config::Policy sample;
        sample.http.compression.emplace().types = {type};
        judge(sample, at, context);
    });
    return compression;
}

config::Cache read_cache(const json& value, const Path& path, Context& context) {
    const Object object(value, path, context, {"maximumBytes", "maximumObjectBytes"});
    config::Cache cache;
    object.bytes("maximumBytes", config::kCacheRange, cache.max_bytes);
    // A cache that is smaller than the default for one answer takes answers up to its own size.
    if (!object.has("maximumObjectBytes")) cache.max_object_bytes = std::min(cache.max_object_bytes, cache.max_bytes);
    object.bytes("maximumObjectBytes", config::kCacheObjectRange, cache.max_object_bytes);
    if (cache.max_object_bytes > cache.max_bytes) object.wrong("maximumObjectBytes", "is more than maximumBytes");
    return cache;
}

}  // namespace

config::HttpPolicy read_http(const json& value, const Path& path, Context& context) {
    const Object object(value, path, context,
                        {"host", "path", "redirect", "requestHeaders", "responseHeaders", "compression", "cache"});
    config::HttpPolicy http;
    const auto member = [&](const char* name, auto reader, auto& out) {
        if (const json* found = object.find(name)) out = reader(*found, path / name, context);
    };
    const auto edits = [](Edits::List list) {
        return [list](const json& found, const Path& at, Context& in) { return Edits(found, at, list, in).read(); };
    };
    member("host", read_host, http.host);
    member("path", read_path, http.path);
    member("redirect", read_redirect, http.redirect);
    member("requestHeaders", edits(&config::HttpPolicy::request_headers), http.request_headers);
    member("responseHeaders", edits(&config::HttpPolicy::response_headers), http.response_headers);
    member("compression", read_compression, http.compression);
    member("cache", read_cache, http.cache);
    return http;
}

}  // namespace steelyard::policy
