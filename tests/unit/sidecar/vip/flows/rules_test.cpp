#include "sidecar/vip/flows/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace steelyard::vip {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(FlowRules, OfIpv4SendOnWhatIsNotKnownAndSilenceArp) {
    EXPECT_EQ(flow_rules(Family::ipv4), R"(table ip steelyard_vip
delete table ip steelyard_vip
table ip steelyard_vip {
	set moved {
		type ipv4_addr
		flags timeout
	}
	map via {
		type ipv4_addr : ipv4_addr
		flags timeout
	}
	map port {
		type ipv4_addr : iface_index
		flags timeout
	}
	chain forward {
		ip ttl 1 accept
		ip ttl > 4 ip ttl set 4
		dup to ip daddr map @via device ip daddr map @port
		drop
	}
	chain arriving {
		type filter hook prerouting priority -150; policy accept;
		ip daddr @moved tcp flags & syn == 0 ct state new goto forward
		ip daddr @moved tcp flags & (fin | rst) != 0 ct state invalid goto forward
	}
}
table arp steelyard_vip
delete table arp steelyard_vip
table arp steelyard_vip {
	set kept {
		type ipv4_addr
		flags timeout
	}
	map instead {
		type ipv4_addr : ipv4_addr
		flags timeout
	}
	chain heard {
		type filter hook input priority 0; policy accept;
		arp daddr ip @kept drop
	}
	chain said {
		type filter hook output priority 0; policy accept;
		arp saddr ip set arp saddr ip map @instead
	}
}
)");
}

TEST(FlowRules, OfIpv6NeedNoSilence) {
    const std::string rules = flow_rules(Family::ipv6);
    EXPECT_THAT(rules, HasSubstr("ip6 daddr @moved tcp flags & syn == 0 ct state new goto forward"));
    EXPECT_THAT(rules, HasSubstr("ip6 hoplimit > 4 ip6 hoplimit set 4"));
    EXPECT_THAT(rules, HasSubstr("type ipv6_addr : ipv6_addr"));
    EXPECT_THAT(rules, Not(HasSubstr("arp")));
    EXPECT_THAT(rules, Not(HasSubstr("table ip ")));
}

}  // namespace
}  // namespace steelyard::vip
