#include "sidecar/vip/net/capabilities.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

namespace steelyard::vip {
namespace {

constexpr uint32_t bit(int capability) { return uint32_t{1} << capability; }  // both are below 32
constexpr uint32_t kNeeded = bit(CAP_NET_ADMIN) | bit(CAP_NET_RAW);

using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

Error failed(const char* call) {
    return Error{"capabilities", std::string(call) + ": " + std::generic_category().message(errno)};
}

Result<Sets> current() {
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    Sets sets{};
    if (syscall(SYS_capget, &head, sets.data()) != 0) return failed("capget");
    return sets;
}

void empty_bounding_set() {
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
        // Without CAP_SETPCAP this is refused; then no_new_privs alone keeps programs from gaining anything.
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return;
    }
}

}  // namespace

Result<void> check_capabilities() {
    const auto sets = current();
    if (!sets) return sets.error();
    std::string missing;
    if (((*sets)[0].permitted & bit(CAP_NET_ADMIN)) == 0) missing = "NET_ADMIN";
    if (((*sets)[0].permitted & bit(CAP_NET_RAW)) == 0) missing += missing.empty() ? "NET_RAW" : " and NET_RAW";
    if (missing.empty()) return {};
    return Error{"capabilities",
                 missing +
                     " missing: without NET_ADMIN no address can be added, without NET_RAW no VRRP or ARP "
                     "be sent; run it as root or with both (securityContext.capabilities.add)"};
}

Result<void> keep_needed_capabilities() {
    empty_bounding_set();
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
        return failed("prctl(PR_CAP_AMBIENT)");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("prctl(PR_SET_NO_NEW_PRIVS)");
    Sets sets{};
    sets[0].permitted = sets[0].effective = kNeeded;
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    if (syscall(SYS_capset, &head, sets.data()) != 0) return failed("capset");
    return {};
}

}  // namespace steelyard::vip
