#pragma once
// How a listener uses its upstream: all of its hosts or those on this node, as itself or with the client's address. Workers hold an upstream
// once for each use, under key(). Pure.
#include <algorithm>
#include <string>
#include <string_view>

#include "common/config/model.hpp"

namespace steelyard {

struct UpstreamUse {
    std::string name;  // as the listener names it
    bool local = false;
    bool transparent = false;

    static UpstreamUse of(const config::Listener& listener) {
        return {listener.upstream, listener.local_only, listener.transparent};
    }
    // Names have no spaces: what follows one is ours.
    std::string key() const { return name + (local ? " local" : "") + (transparent ? " transparent" : ""); }
    static UpstreamUse parse(std::string_view key) {
        const std::string_view rest = key.substr(std::min(key.find(' '), key.size()));
        return {std::string(key.substr(0, key.size() - rest.size())), rest.starts_with(" local"),
                rest.ends_with(" transparent")};
    }
};

}  // namespace steelyard
