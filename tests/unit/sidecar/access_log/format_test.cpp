#include "sidecar/access_log/format.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace steelyard::access_log {
namespace {

using namespace std::chrono_literals;

Record example() {
    Record record;
    record.time = std::chrono::system_clock::time_point(1'767'225'599'987ms);  // the last second of 2025
    record.client = "10.0.0.9";
    record.client_port = 40'123;
    record.real_ip = "192.0.2.1";
    record.listener = "upstream-0";
    record.upstream = "shop/web:http";
    record.endpoint = "10.1.0.4:8080";
    record.method = "GET";
    record.path = "/a?b=c";
    record.host = "web.shop";
    record.protocol = "HTTP/1.1";
    record.status = 200;
    record.request_bytes = 120;
    record.response_bytes = 5'000'000'000;
    record.duration = 12'345us;
    record.answer = 7us;
    record.tries = 2;
    record.user_agent = "curl/8.0";
    record.request_id = "abc";
    return record;
}

std::string render(const Format& format, const Record& record) {
    TimeCache cache;
    std::string out(kMaxLine, '~');
    out.resize(format.render(record, cache, out.data()));
    EXPECT_EQ(out.find('\n'), out.size() - 1);
    return out.substr(0, out.size() - 1);
}

std::string text(std::string_view format, const Record& record = example()) {
    const auto parsed = Format::parse(format);
    return parsed ? render(*parsed, record) : parsed.error().problem;
}

TEST(AccessLogFormat, JsonHoldsEveryFieldOnce) {
    EXPECT_EQ(
        render(Format::json(), example()),
        R"({"time":"2025-12-31T23:59:59.987Z","client":"10.0.0.9","client_port":40123,"real_ip":"192.0.2.1","listener":"upstream-0",)"
        R"("upstream":"shop/web:http","endpoint":"10.1.0.4:8080","method":"GET","path":"/a?b=c",)"
        R"("host":"web.shop","protocol":"HTTP/1.1","status":200,"failure":null,"request_bytes":120,)"
        R"("response_bytes":5000000000,"duration_ms":12.345,"answer_ms":0.007,"tries":2,)"
        R"("user_agent":"curl/8.0","referer":null,"request_id":"abc"})");
}

TEST(AccessLogFormat, AnEmptyRecordIsStillALine) {
    const auto line = nlohmann::json::parse(render(Format::json(), Record{}));
    EXPECT_EQ(line.at("time"), "1970-01-01T00:00:00.000Z");
    EXPECT_TRUE(line.at("answer_ms").is_null());
    EXPECT_EQ(line.at("status"), 0);
    EXPECT_EQ(text("%{client} %{path} %{answer_ms} %{status}", Record{}), "- - - 0");
}

TEST(AccessLogFormat, TextNamesItsFieldsAndDoublesPercentSigns) {
    EXPECT_EQ(text("%{client}:%{client_port} [%{time}] \"%{method} %{path}\" %{status} 100%%"),
              "10.0.0.9:40123 [2025-12-31T23:59:59.987Z] \"GET /a?b=c\" 200 100%");
    EXPECT_EQ(text("%{status}%{status}"), "200200");
    EXPECT_EQ(text("}%{duration_ms}{"), "}12.345{");
}

TEST(AccessLogFormat, TheTimeFollowsTheClock) {
    const auto format = Format::parse("%{time}");
    ASSERT_TRUE(format);
    TimeCache cache;
    std::string out(kMaxLine, '~');
    Record record;
    const auto at = [&](std::chrono::milliseconds time) {
        record.time = std::chrono::system_clock::time_point(time);
        return out.substr(0, format->render(record, cache, out.data()) - 1);
    };
    EXPECT_EQ(at(1'709'210'096'001ms), "2024-02-29T12:34:56.001Z");
    EXPECT_EQ(at(1'709'210'096'999ms), "2024-02-29T12:34:56.999Z");
    EXPECT_EQ(at(1'709'210'097'000ms), "2024-02-29T12:34:57.000Z");
    EXPECT_EQ(at(1'709'210'096'000ms), "2024-02-29T12:34:56.000Z") << "and back";
    EXPECT_EQ(at(-5ms), "1970-01-01T00:00:00.000Z");
}

TEST(AccessLogFormat, AWrongFormatIsRefusedWithThePlaceAndTheChoice) {
    EXPECT_EQ(text("a%b"), "'%' begins no %{FIELD}, and %% stands for a percent sign (at byte 2)");
    EXPECT_EQ(text("%"), "'%' begins no %{FIELD}, and %% stands for a percent sign (at byte 1)");
    EXPECT_EQ(text("%{client"), "'%' begins no %{FIELD}, and %% stands for a percent sign (at byte 1)");
    EXPECT_EQ(text("%{client}\n"), "a format may not hold control characters, '\\x0a' (at byte 10)");
    EXPECT_TRUE(
        text("%{colour}")
            .starts_with("there is no field 'colour' (at byte 1); there are time, client, client_port, real_ip, "));
    EXPECT_TRUE(text("%{}").starts_with("there is no field ''"));
    EXPECT_EQ(text("hello"), "it is neither json nor a text with a %{FIELD} in it");
    EXPECT_EQ(text(""), "it is neither json nor a text with a %{FIELD} in it");
    std::string many;
    for (int i = 0; i < 4; ++i) many += "%{path}";
    EXPECT_EQ(text(many), "a line could become 4097 bytes long, more than 4096: leave out fields or text");
}

TEST(AccessLogFormat, NoClientCanMakeALineLongerThanItMayBe) {
    for (const char filler : {'x', '\n', '"', '\xff'}) {
        const std::string endless(100'000, filler);
        Record record = example();
        for (auto* view : {&record.client, &record.real_ip, &record.listener, &record.upstream, &record.endpoint,
                           &record.method, &record.path, &record.host, &record.protocol, &record.failure,
                           &record.user_agent, &record.referer, &record.request_id}) {
            *view = endless;
        }
        record.client_port = UINT16_MAX;
        record.status = UINT16_MAX;
        record.request_bytes = record.response_bytes = UINT64_MAX;
        record.duration = record.answer = Microseconds::max();
        record.tries = UINT8_MAX;
        const std::string line = render(Format::json(), record);
        EXPECT_LT(line.size(), kMaxLine);
        EXPECT_TRUE(nlohmann::json::parse(line).at("path").get<std::string>().ends_with("..."));
    }
}

TEST(AccessLogFormat, AClientCanNotForgeAFieldOrALine) {
    Record record = example();
    record.user_agent = "x\",\"status\":999,\"y\":\"\n{\"time\":\"forged\"}\r\x1b[31m";
    const auto line = nlohmann::json::parse(render(Format::json(), record));
    EXPECT_EQ(line.at("status"), 200);
    EXPECT_EQ(line.at("user_agent"), std::string(record.user_agent));
    EXPECT_EQ(line.size(), static_cast<size_t>(Field::kCount));
    EXPECT_EQ(text("\"%{user_agent}\" %{status}", record),
              R"("x\x22,\x22status\x22:999,\x22y\x22:\x22\x0a{\x22time\x22:\x22forged\x22}\x0d\x1b[31m" 200)");
}

}  // namespace
}  // namespace steelyard::access_log
