#pragma once
// Reads the members of one object of a spec, strictly: a wrong type is never converted, and a member that is not known is
// noted. A member that is absent, null or wrong leaves `out` as it was; what is wrong is noted with its path. Includes all of
// nlohmann/json: for .cpp files that read specs only.
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/fields.hpp"
#include "common/config/limits.hpp"
#include "common/config/policy.hpp"
#include "common/config/problems.hpp"
#include "controller/policy/spec.hpp"

namespace steelyard::policy {

using config::Path;
using nlohmann::json;

struct Context {
    Unknown unknown = Unknown::refuse;
    config::Problems problems;
    std::vector<std::string> ignored;
};

class Object {
public:
    // `known`: the names of all members that there may be. Something else than an object is noted, and has no members.
    // `value`, `path` and `context` outlive it.
    Object(const json& value, const Path& path, Context& context, std::initializer_list<std::string_view> known);

    const json* find(const char* name) const;  // nullptr: absent or null
    bool has(const char* name) const { return find(name) != nullptr; }
    const Path& path() const { return path_; }
    Context& context() const { return context_; }

    bool text(const char* name, std::string& out) const;  // whether it was there and is one
    bool required_text(const char* name, std::string& out) const;
    void truth(const char* name, bool& out) const;
    void whole(const char* name, const config::Range& range, uint32_t& out) const;
    // "30s", "1m30s", "500ms": up to four numbers of up to five digits, each with its unit, within the range (milliseconds).
    void duration(const char* name, const config::Range& range, uint32_t& out) const;
    // Bytes: a whole number, or a text with the suffix Ki, Mi or Gi.
    void bytes(const char* name, const config::Range& range, uint64_t& out) const;
    // The elements of a list of at most `most`: use(element, its path).
    template <class Use>
    void each(const char* name, size_t least, size_t most, Use&& use) const {
        const Path at = path_ / name;
        const json* list = find_list(name, at, least, most);
        for (size_t i = 0; list != nullptr && i < list->size(); ++i) use((*list)[i], at[i]);
    }
    // One of `names` (what it is called, what it means); false: it is absent or none of them.
    template <class E>
    bool choice(const char* name, std::initializer_list<std::pair<std::string_view, E>> names, E& out) const {
        std::string given;
        if (!text(name, given)) return false;
        std::string all;
        for (const auto& [text, meaning] : names) {
            if (text == given) {
                out = meaning;
                return true;
            }
            all += (all.empty() ? "" : ", ") + std::string(text);
        }
        wrong(name, "'" + config::shown(given) + "' is none of " + all);
        return false;
    }
    // Says that the member is missing, if it is; of something that is no object that alone is wrong.
    void require(const char* name, const std::string& what) const {
        if (object_ != nullptr && !has(name)) wrong(name, "is missing" + what);
    }
    void wrong(std::string_view name, std::string problem) const {
        context_.problems.add(path_ / name, std::move(problem));
    }

private:
    const json* find_list(const char* name, const Path& at, size_t least, size_t most) const;
    void check_names(std::initializer_list<std::string_view> known) const;

    const json* object_ = nullptr;
    const Path& path_;
    Context& context_;
};

// A value as it is shown in a message: in one short line, and nothing of what is within an object or a list.
std::string shown(const json& value);

// A text that is an element of a list.
bool text_of(const json& value, const Path& path, Context& context, std::string& out);

// What a proxy would refuse in `sample`, which has just the value that stands at `path`, is wrong there.
void judge(const config::Policy& sample, const Path& path, Context& context);

config::HealthCheck read_health_check(const json& value, const Path& path, Context& context);
config::HttpPolicy read_http(const json& value, const Path& path, Context& context);

}  // namespace steelyard::policy
