#include "sidecar/vip/flows/rules.hpp"

namespace steelyard::vip {
namespace {

// An empty one first: what is not there can not be deleted.
std::string table(const std::string& family, const std::string& content) {
    const std::string name = "table " + family + " " + kFlowTable;
    return name + "\ndelete " + name + "\n" + name + " {\n" + content + "}\n";
}

std::string map(const char* name, const std::string& key, const std::string& value) {
    return std::string("\tmap ") + name + " {\n\t\ttype " + key + " : " + value + "\n\t\tflags timeout\n\t}\n";
}

std::string set(const char* name, const std::string& key) {
    return std::string("\tset ") + name + " {\n\t\ttype " + key + "\n\t\tflags timeout\n\t}\n";
}

// After the kernel has looked the connection up (-200), before anything rewrites addresses (-100). A packet that begins nothing is `new`
// when its connection is not known, a FIN or RST is `invalid`; other invalid packets may well be of connections that are known.
std::string forwarding(const std::string& ip, const std::string& ttl, const std::string& key) {
    const std::string hops = std::to_string(kHops);
    const std::string to_moved = "\t\t" + ip + " daddr @moved tcp flags ";
    return set("moved", key) + map("via", key, key) + map("port", key, "iface_index") +
           "\tchain forward {\n"
           "\t\t" +
           ip + " " + ttl +
           " 1 accept\n"
           "\t\t" +
           ip + " " + ttl + " > " + hops + " " + ip + " " + ttl + " set " + hops +
           "\n"
           "\t\tdup to " +
           ip + " daddr map @via device " + ip +
           " daddr map @port\n"
           "\t\tdrop\n"
           "\t}\n"
           "\tchain arriving {\n"
           "\t\ttype filter hook prerouting priority -150; policy accept;\n" +
           to_moved + "& syn == 0 ct state new goto forward\n" + to_moved +
           "& (fin | rst) != 0 ct state invalid goto forward\n"
           "\t}\n";
}

std::string silence() {
    return set("kept", "ipv4_addr") + map("instead", "ipv4_addr", "ipv4_addr") +
           "\tchain heard {\n"
           "\t\ttype filter hook input priority 0; policy accept;\n"
           "\t\tarp daddr ip @kept drop\n"
           "\t}\n"
           "\tchain said {\n"
           "\t\ttype filter hook output priority 0; policy accept;\n"
           "\t\tarp saddr ip set arp saddr ip map @instead\n"
           "\t}\n";
}

}  // namespace

std::string flow_rules(Family family) {
    if (family == Family::ipv6) return table("ip6", forwarding("ip6", "hoplimit", "ipv6_addr"));
    return table("ip", forwarding("ip", "ttl", "ipv4_addr")) + table("arp", silence());
}

}  // namespace steelyard::vip
