#pragma once
// Which LoadBalancingPolicy is in force where, and what each is to be told. Pure.
//
// A policy that names a port takes the place of one that names the whole Service there. Of several that name the same, the one
// that was created first is in force, and of those the first by namespace and name; the others are Conflicted. One that cannot be
// read (Invalid) is in force nowhere and in nobody's way.
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/objects.hpp"
#include "controller/translate/service.hpp"
#include "controller/translate/translator.hpp"
#include "controller/translate/view.hpp"

namespace steelyard::translate {

// The policies that name one Service, the strongest first.
class Claims {
public:
    Claims(const kube::ObjectKey& service, View& view);

    // What applies to the port, in place of `before`: the settings of annotations and defaults.
    config::Policy in_force(const std::vector<Port>& ports, const Port& port, config::Policy before) const;
    // Which policy has the whole Service, or the port that `section` means; nullptr: none.
    const kube::LoadBalancingPolicy* winner() const;
    const kube::LoadBalancingPolicy* winner(const std::vector<Port>& ports, const Port& port) const;

private:
    const std::string service_;
    std::vector<const kube::LoadBalancingPolicy*> policies_;
};

// Whether `section` means the port: by its name, or by its number if no port has that name.
bool means(std::string_view section, const std::vector<Port>& ports, const Port& port);

// The conditions that the policy is to have: Accepted, Conflicted. None: there is no such policy.
PolicyStatus judge_policy(const kube::ObjectKey& key, View& view);

}  // namespace steelyard::translate
