#include "sidecar/health/http_check.hpp"

#include <gtest/gtest.h>

namespace steelyard::health {
namespace {

using Outcome = StatusLine::Outcome;

TEST(HttpCheck, AsksForThePathOfTheHostAndToClose) {
    config::HealthCheck check;
    check.path = "/healthz?full=1";
    EXPECT_EQ(http_check_request(check, "[fd00::1]:80"),
              "GET /healthz?full=1 HTTP/1.1\r\nHost: [fd00::1]:80\r\nUser-Agent: steelyard-health-check\r\n"
              "Accept: */*\r\nConnection: close\r\n\r\n");
    check.host = "shop.example";
    EXPECT_NE(http_check_request(check, "10.0.0.1:80").find("\r\nHost: shop.example\r\n"), std::string::npos);
}

TEST(HttpCheck, ReadsAStatusLineAsItComes) {
    const std::string line = "HTTP/1.1 204 No Content\r\n";
    for (size_t i = 0; i < line.size(); ++i) {
        EXPECT_EQ(read_status_line(line.substr(0, i)).outcome, Outcome::incomplete) << i;
    }
    for (const std::string& rest : {std::string(), std::string("Date: x\r\n")}) {
        const StatusLine read = read_status_line(line + rest);
        EXPECT_EQ(read.outcome, Outcome::status);
        EXPECT_EQ(read.status, 204);
    }
}

TEST(HttpCheck, KnowsAStatusLineFromGarbage) {
    struct Case {
        std::string bytes;
        Outcome outcome;
        int status;
    };
    const Case cases[] = {
        {"HTTP/1.0 200 OK\n", Outcome::status, 200},
        {"HTTP/1.1 503\r\n", Outcome::status, 503},
        {"HTTP/1.1 404 \r\n", Outcome::status, 404},
        {"HTTP/1.1 999 Strange\r\n", Outcome::status, 999},
        {"", Outcome::incomplete, 0},
        {"HTTP/1.1 200", Outcome::incomplete, 0},
        {"HTTP/2.0 200 OK\r\n", Outcome::garbage, 0},
        {"HTTP/1.1 099 Low\r\n", Outcome::garbage, 0},
        {"HTTP/1.1 2000 Long\r\n", Outcome::garbage, 0},
        {"HTTP/1.1 20", Outcome::incomplete, 0},
        {"HTTP/1.1 20\r\n", Outcome::garbage, 0},
        {"HTTP/1.1  200 OK\r\n", Outcome::garbage, 0},
        {"http/1.1 200 OK\r\n", Outcome::garbage, 0},
        {"SSH-2.0-OpenSSH_9.2\r\n", Outcome::garbage, 0},
        {"S", Outcome::garbage, 0},
        {std::string("\x15\x03\x01\0\x02", 5), Outcome::garbage, 0},
        {"HTTP/1.1 200 " + std::string(kMaxStatusLine - 15, 'x') + "\r\n", Outcome::status, 200},
        {"HTTP/1.1 200 " + std::string(kMaxStatusLine - 14, 'x') + "\r\n", Outcome::garbage, 0},
        {"HTTP/1.1 200 " + std::string(kMaxStatusLine, 'x'), Outcome::garbage, 0},
    };
    for (const Case& c : cases) {
        const StatusLine read = read_status_line(c.bytes);
        EXPECT_EQ(read.outcome, c.outcome) << c.bytes;
        EXPECT_EQ(read.status, c.status) << c.bytes;
    }
}

TEST(HttpCheck, ExpectsWhatIsInAnyOfTheRanges) {
    const std::vector<config::StatusRange> expected = {{200, 299}, {404, 404}};
    for (const int yes : {200, 250, 299, 404}) EXPECT_TRUE(is_expected(expected, static_cast<uint16_t>(yes))) << yes;
    for (const int no : {100, 199, 300, 403, 405, 503})
        EXPECT_FALSE(is_expected(expected, static_cast<uint16_t>(no))) << no;
    EXPECT_EQ(describe(expected), "200-299, 404");
}

}  // namespace
}  // namespace steelyard::health
