#pragma once
// The bodies of the controller's admin pages, as JSON.
#include <string>
#include <vector>

#include "controller/push/server.hpp"
#include "controller/translate/translator.hpp"

namespace steelyard {

// Who is connected, what each has acknowledged and refused.
std::string proxies_page(const push::ServerStats& stats);
// What could not be translated as it stands, by Service, and the policies that are not in force everywhere they name.
std::string problems_page(const std::vector<translate::ServiceProblems>& services,
                          const std::vector<translate::PolicyStatus>& policies);

}  // namespace steelyard
