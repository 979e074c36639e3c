#include <algorithm>

#include "controller/push/authenticator.hpp"

namespace steelyard::push {
namespace {

bool is_name_of(const std::string& name, const std::string& pod) {
    if (name.compare(0, pod.size(), pod) != 0) return false;
    if (name.size() == pod.size()) return true;
    const std::string_view rest = std::string_view(name).substr(pod.size());
    return rest.size() > 1 && rest[0] == '-' &&
           std::all_of(rest.begin() + 1, rest.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<ErrorMessage> check_hello(const Identity& identity, const Hello& hello) {
    if (!identity.known()) return std::nullopt;
    if (hello.role == Role::edge && !identity.edge) {
        return ErrorMessage{"forbidden", "service account " + identity.ns + "/" + identity.service_account +
                                             " may not take the role edge: that is for the controller's namespace"};
    }
    if (identity.pod.empty()) return std::nullopt;
    const std::string prefix = identity.ns + "/";
    const bool qualified = hello.name.compare(0, prefix.size(), prefix) == 0;
    if (is_name_of(qualified ? hello.name.substr(prefix.size()) : hello.name, identity.pod)) return std::nullopt;
    return ErrorMessage{"forbidden", "the token belongs to pod " + identity.to_string() + ", the proxy calls itself " +
                                         hello.name + "; call it by the pod's name"};
}

std::string session_name(const Identity& identity, const Hello& hello) {
    if (!identity.known()) return hello.name;
    // Pods and service accounts have no space in their names.
    return identity.ns + "/" + (identity.pod.empty() ? "sa " + identity.service_account : identity.pod) + " " +
           hello.name;
}

}  // namespace steelyard::push
