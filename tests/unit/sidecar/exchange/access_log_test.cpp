// What the access log says of exchanges and connections that do not go as they should.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

class AccessLogLines : public WorkerTest {
protected:
    AccessLogLines() {
        std::string pattern = (std::filesystem::temp_directory_path() / "lines-XXXXXX").string();
        directory_ = mkdtemp(pattern.data());
        access_log::Options options;
        options.target = access_log::Target::file;
        options.path = directory_ + "/log";
        options.format = *access_log::Format::parse(
            "%{listener} %{protocol} %{method} %{path} %{status} %{failure} %{tries} %{request_bytes} "
            "%{response_bytes}");
        auto log = access_log::AccessLog::open(options, 1);
        EXPECT_TRUE(log);
        access_log_ = std::move(*log);
    }
    ~AccessLogLines() override { std::filesystem::remove_all(directory_); }

    // Waits until the log holds so many lines.
    std::string lines(uint64_t count) {
        EXPECT_TRUE(eventually([&] { return access_log_->stats().lines >= count; })) << access_log_->stats().lines;
        std::stringstream text;
        text << std::ifstream(directory_ + "/log").rdbuf();
        return text.str();
    }

    std::string directory_;
};

const std::string kUpgrade = "GET /chat HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const std::string kSwitch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

TEST_F(AccessLogLines, AnUpgradedConnectionIsOneLineAtItsEnd) {
    Backend backend([](Peer& peer) {
        if (!peer.next()) return;
        peer.send(kSwitch);
        for (std::string bytes; !(bytes = peer.read_some()).empty();) peer.send(bytes);
    });
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request(kUpgrade).status(), 101);
    ASSERT_TRUE(one.send("12345"));
    EXPECT_EQ(one.read(5), "12345");
    EXPECT_EQ(access_log_->stats().lines, 0U);
    one.shutdown_write();
    EXPECT_EQ(one.wait_end(), Socket::End::fin);
    const std::string line = lines(1);
    EXPECT_TRUE(line.starts_with("test HTTP/1.1 GET /chat 101 - 1 " + std::to_string(kUpgrade.size() + 5) + " "))
        << line;
}

TEST_F(AccessLogLines, ATryThatFailedIsCountedAndTheLastEndpointNamed) {
    Backend alive(serve([](const Message&) { return ok("y"); }));
    use({{.port = 1}, {.port = alive.port()}});
    Socket one = client();
    EXPECT_EQ(one.request(kGet).body, "y");
    EXPECT_EQ(one.request(kGet).body, "y");
    const std::string text = lines(2);
    EXPECT_NE(text.find("GET / 200 - 2 29 "), std::string::npos) << text;
}

TEST_F(AccessLogLines, MalformedRequestsAndNobodyToAskAreNamed) {
    use(std::vector<TestHost>{});
    EXPECT_EQ(client().request("GET / HTTP/1.1\r\n\r\n").status(), 400);
    EXPECT_TRUE(lines(1).starts_with("test - - - 400 missing_host 0 18 ")) << lines(1);
    EXPECT_EQ(client().request(kGet).status(), 503);
    EXPECT_NE(lines(2).find("\ntest HTTP/1.1 GET / 503 no_host 0 29 "), std::string::npos) << lines(2);
}

TEST_F(AccessLogLines, WhatTheEndOfTheProcessCutsOffIsNamed) {
    Backend backend([](Peer& peer) {
        if (peer.next()) peer.read_some();
    });
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send(kGet));
    EXPECT_TRUE(eventually([&] { return host(backend.port())->active.load() == 1; }));
    worker_->abort();
    EXPECT_EQ(lines(1), "test HTTP/1.1 GET / 0 shutdown 1 29 0\n");
}

TEST_F(AccessLogLines, ABodyAndAnAnswerCountWhole) {
    Backend backend(serve([](const Message& request) { return ok(request.body); }));
    use(backend);
    Socket one = client();
    const std::string request = with_length("POST", pattern(300'000));
    EXPECT_EQ(one.request(request).body.size(), 300'000U);
    const std::string line = lines(1);
    EXPECT_TRUE(line.starts_with("test HTTP/1.1 POST / 200 - 1 " + std::to_string(request.size()) + " 300")) << line;
}

}  // namespace
}  // namespace steelyard::test
