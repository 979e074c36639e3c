#include "sidecar/http/rules.hpp"

namespace steelyard::http {
namespace {

std::string without_slash(std::string text) {
    while (!text.empty() && text.back() == '/') text.pop_back();
    return text;
}

Edits make_edits(const std::vector<config::HeaderEdit>& edits) {
    using Kind = config::HeaderEdit::Kind;
    Edits made;
    for (const auto& [kind, name, value] : edits) {
        if (kind == Kind::set) made.set(name, value);
        if (kind == Kind::add) made.add(name, value);
        if (kind == Kind::remove) made.remove(name);
    }
    return made;
}

}  // namespace

PathRule::Parts PathRule::apply(std::string_view path) const {
    if (path.front() != '/' || !path.starts_with(prefix)) return {path, {}};
    const std::string_view rest = path.substr(prefix.size());
    if (!rest.empty() && rest.front() != '/' && rest.front() != '?') return {path, {}};
    if (replacement.empty() && !rest.starts_with('/')) return {"/", rest};
    return {replacement, rest};
}

std::shared_ptr<const Rules> make_rules(const config::HttpPolicy& policy) {
    if (policy.host.empty() && !policy.path && !policy.redirect && policy.request_headers.empty() &&
        policy.response_headers.empty()) {
        return nullptr;
    }
    auto rules = std::make_shared<Rules>();
    rules->host = policy.host;
    if (policy.path) {
        rules->path = PathRule{without_slash(policy.path->prefix), without_slash(policy.path->replacement)};
    }
    rules->redirect = policy.redirect;
    rules->request = make_edits(policy.request_headers);
    rules->response = make_edits(policy.response_headers);
    return rules;
}

}  // namespace steelyard::http
