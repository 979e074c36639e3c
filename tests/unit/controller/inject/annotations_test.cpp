#include "controller/inject/annotations.hpp"

#include <gtest/gtest.h>

namespace steelyard::inject {
namespace {

std::string upstreams(std::string_view text) {
    const auto parsed = parse_upstreams(text, "shop");
    if (!parsed) return parsed.error().to_string();
    std::string all;
    for (const auto& one : *parsed) all += (all.empty() ? "" : " ") + one.flag();
    return all;
}

TEST(UpstreamsAnnotation, NamesPortsAndWhereTheyLead) {
    EXPECT_EQ(upstreams("8080=web.shop:80"), "8080=web.shop:80");
    EXPECT_EQ(upstreams(" 8080 = web.other:80 ,\n 9000=api.other:http "), "8080=web.other:80 9000=api.other:http");
    EXPECT_EQ(upstreams("5353/udp=dns.other:dns,5353=dns.other:dns-tcp"),
              "5353/udp=dns.other:dns 5353=dns.other:dns-tcp");
    EXPECT_EQ(upstreams("8080=web:80"), "8080=web.shop:80") << "the pod's namespace where none is given";
    EXPECT_EQ(upstreams("1=a.b:65535,65535=a.b:1"), "1=a.b:65535 65535=a.b:1");
    EXPECT_EQ(upstreams("8080=web:80,8081=web:80"), "8080=web.shop:80 8081=web.shop:80") << "one Service on two ports";
}

TEST(UpstreamsAnnotation, SaysWhichItemIsWrongAndWhy) {
    const std::pair<const char*, const char*> table[] = {
        {"", "is empty; leave it out for transparent capture"},
        {"  ", "is empty; leave it out for transparent capture"},
        {"8080=web:80,", "item 2 is empty; there is a comma too many"},
        {",8080=web:80", "item 1 is empty; there is a comma too many"},
        {"8080", "item 1 '8080': there is no '=' (PORT=SERVICE.NAMESPACE:PORT)"},
        {"=web:80", "item 1 '=web:80': '' is not a port (1-65535)"},
        {"0=web:80", "item 1 '0=web:80': '0' is not a port (1-65535)"},
        {"65536=web:80", "item 1 '65536=web:80': '65536' is not a port (1-65535)"},
        {"080=web:80", "item 1 '080=web:80': '080' is not a port (1-65535)"},
        {"+80=web:80", "item 1 '+80=web:80': '+80' is not a port (1-65535)"},
        {"http=web:80", "item 1 'http=web:80': 'http' is not a port (1-65535)"},
        {"8080=web", "item 1 '8080=web': 'web' does not say which port of the Service (SERVICE.NAMESPACE:PORT)"},
        {"8080=:80", "item 1 '8080=:80': '' is not the name of a Service"},
        {"8080=Web:80", "item 1 '8080=Web:80': 'Web' is not the name of a Service"},
        {"8080=-web:80", "item 1 '8080=-web:80': '-web' is not the name of a Service"},
        {"8080=web.:80", "item 1 '8080=web.:80': '' is not the name of a namespace"},
        {"8080=web.shop.svc:80",
         "item 1 '8080=web.shop.svc:80': 'shop.svc' is not the name of a namespace; write SERVICE.NAMESPACE without a "
         "cluster domain"},
        {"8080=web:", "item 1 '8080=web:': '' is neither a port (1-65535) nor the name of one"},
        {"8080=web:0", "item 1 '8080=web:0': '0' is neither a port (1-65535) nor the name of one"},
        {"8080=web:8-0", "item 1 '8080=web:8-0': '8-0' is neither a port (1-65535) nor the name of one"},
        {"8080=web:80:90", "item 1 '8080=web:80:90': '80:90' is neither a port (1-65535) nor the name of one"},
        {"8080=http://web:80",
         "item 1 '8080=http://web:80': '//web:80' is neither a port (1-65535) nor the name of one"},
        {"8080=a:80,9000=b:80,8080=c:80", "item 3 '8080=c:80': port 8080 is taken by item 1"},
        {"9901=a:80", "item 1 '9901=a:80': port 9901 is the sidecar's own (9901, 9902 and 15001 are)"},
        {"9902=a:80", "item 1 '9902=a:80': port 9902 is the sidecar's own (9901, 9902 and 15001 are)"},
        {"15001=a:80", "item 1 '15001=a:80': port 15001 is the sidecar's own (9901, 9902 and 15001 are)"},
    };
    for (const auto& [text, problem] : table)
        EXPECT_EQ(upstreams(text), std::string("annotation steelyard.dev/upstreams: ") + problem) << text;
}

TEST(UpstreamsAnnotation, IsBoundedAndItsErrorsAreToo) {
    std::string many;
    for (int port = 2000; port < 2065; ++port) many += (many.empty() ? "" : ",") + std::to_string(port) + "=a:80";
    EXPECT_EQ(upstreams(many), "annotation steelyard.dev/upstreams: has 65 items; 64 are the most");
    EXPECT_LT(upstreams("8080=" + std::string(100'000, 'x') + ":80").size(), 300U);
    EXPECT_EQ(upstreams("8080=w\xff\x01:80"),
              "annotation steelyard.dev/upstreams: item 1 '8080=w??:80': 'w?\?' is not the name of a Service");
}

std::string joined(const Result<std::vector<std::string>>& parsed) {
    if (!parsed) return parsed.error().to_string();
    std::string all;
    for (const auto& one : *parsed) all += (all.empty() ? "" : " ") + one;
    return all;
}

TEST(ExcludePortsAnnotation, TakesPortsAndRanges) {
    EXPECT_EQ(joined(parse_exclude_ports("3306")), "3306");
    EXPECT_EQ(joined(parse_exclude_ports("3306, 9000-9100 ,3306,5-5")), "3306 9000-9100 5");
    const std::string at = "annotation steelyard.dev/exclude-ports: ";
    EXPECT_EQ(joined(parse_exclude_ports("")), at + "is empty; leave it out to exclude nothing");
    EXPECT_EQ(joined(parse_exclude_ports("80,x")),
              at + "item 2: 'x' is neither a port (1-65535) nor a range such as 9000-9100");
    EXPECT_EQ(joined(parse_exclude_ports("0-5")),
              at + "item 1: '0-5' is neither a port (1-65535) nor a range such as 9000-9100");
    EXPECT_EQ(joined(parse_exclude_ports("5-")),
              at + "item 1: '5-' is neither a port (1-65535) nor a range such as 9000-9100");
    EXPECT_EQ(joined(parse_exclude_ports("1-2-3")),
              at + "item 1: '1-2-3' is neither a port (1-65535) nor a range such as 9000-9100");
    EXPECT_EQ(joined(parse_exclude_ports("9-8")), at + "item 1: '9-8' is a range that ends before it begins");
    EXPECT_EQ(joined(parse_exclude_ports("1,,2")), at + "item 2 is empty; there is a comma too many");
}

TEST(ExcludeCidrsAnnotation, TakesNetworksOfBothFamilies) {
    EXPECT_EQ(joined(parse_exclude_cidrs("10.0.0.0/8, fd00::/8,10.1.2.3/32,0.0.0.0/0,::/0,fd00:0::0/8")),
              "10.0.0.0/8 fd00::/8 10.1.2.3/32 0.0.0.0/0 ::/0");
    const std::string at = "annotation steelyard.dev/exclude-cidrs: item 1: ";
    const std::pair<const char*, const char*> table[] = {
        {"10.0.0.1", "'10.0.0.1' lacks the length of its prefix, as in 10.0.0.0/8"},
        {"10.0.0.0/33", "'10.0.0.0/33' has no prefix length of 0-32 after its slash"},
        {"10.0.0.0/", "'10.0.0.0/' has no prefix length of 0-32 after its slash"},
        {"10.0.0.0/08", "'10.0.0.0/08' has no prefix length of 0-32 after its slash"},
        {"fd00::/129", "'fd00::/129' has no prefix length of 0-128 after its slash"},
        {"10.0.0/8", "'10.0.0/8' is not a network such as 10.0.0.0/8 or fd00::/8"},
        {"web/8", "'web/8' is not a network such as 10.0.0.0/8 or fd00::/8"},
        {"10.0.0.1/8", "'10.0.0.1/8' has address bits beyond its prefix; the network would be 10.0.0.0/8"},
        {"fd00::1/64", "'fd00::1/64' has address bits beyond its prefix; the network would be fd00::/64"},
        {"10.96.0.129/25", "'10.96.0.129/25' has address bits beyond its prefix; the network would be 10.96.0.128/25"},
    };
    for (const auto& [text, problem] : table) EXPECT_EQ(joined(parse_exclude_cidrs(text)), at + problem);
}

}  // namespace
}  // namespace steelyard::inject
