// The transport against a plain HTTP server of this file's own that says what it is told to and keeps what it was
// asked.
#include "controller/kube/rest_transport.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "controller/kube/client.hpp"

namespace steelyard::kube {
namespace {

// Answers each connection with the text of its turn (the last one again when there are no more), then closes it or
// holds it.
class Server {
public:
    explicit Server(std::vector<std::string> answers, bool hold = false) : answers_(std::move(answers)), hold_(hold) {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(listener_, 16), 0);
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    ~Server() {
        stop_ = true;
        thread_.join();
        for (const int fd : held_) ::close(fd);
        ::close(listener_);
    }

    ClusterConfig config() const {
        ClusterConfig out;
        out.source = "test";
        out.server = "http://127.0.0.1:" + std::to_string(port_);
        return out;
    }
    std::string asked(size_t turn) const {
        const std::lock_guard lock(mutex_);
        return turn < asked_.size() ? asked_[turn] : "";
    }

private:
    void run() {
        while (!stop_) {
            pollfd ready{listener_, POLLIN, 0};
            if (::poll(&ready, 1, 20) <= 0) continue;
            const int fd = ::accept(listener_, nullptr, nullptr);
            std::string request;
            char buffer[4096];
            while (request.find("\r\n\r\n") == std::string::npos) {
                const ssize_t got = ::recv(fd, buffer, sizeof(buffer), 0);
                if (got <= 0) break;
                request.append(buffer, static_cast<size_t>(got));
            }
            std::string answer;
            {
                const std::lock_guard lock(mutex_);
                answer = answers_[std::min(asked_.size(), answers_.size() - 1)];
                asked_.push_back(request);
            }
            EXPECT_EQ(::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
            if (hold_) {
                held_.push_back(fd);
            } else {
                ::close(fd);
            }
        }
    }

    const std::vector<std::string> answers_;
    const bool hold_;
    int listener_ = -1;
    uint16_t port_ = 0;
    std::atomic<bool> stop_ = false;
    mutable std::mutex mutex_;
    std::vector<std::string> asked_;
    std::vector<int> held_;
    std::thread thread_;
};

std::string answer(const std::string& status, const std::string& body, const std::string& headers = "") {
    return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           headers + "\r\n" + body;
}

std::string chunk(const std::string& text) {
    char size[16];
    std::snprintf(size, sizeof(size), "%zx\r\n", text.size());
    return size + text + "\r\n";
}

constexpr const char* kStream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::unique_ptr<Transport> transport(const ClusterConfig& config) {
    auto made = make_rest_transport(config);
    EXPECT_TRUE(made) << made.error().to_string();
    return std::move(*made);
}

TEST(RestTransport, AsksWithTokenAcceptAndName) {
    Server server({answer("200 OK", "{}")});
    ClusterConfig config = server.config();
    config.server += "/prefix";
    config.token = "secret";
    auto body = transport(config)->get({"/api/v1/pods?limit=5&continue=a%2Fb", "application/json;as=X"}, {});
    ASSERT_TRUE(body) << body.error().to_string();
    EXPECT_EQ(*body, "{}");
    const std::string asked = server.asked(0);
    EXPECT_TRUE(asked.starts_with("GET /prefix/api/v1/pods?limit=5&continue=a%2Fb HTTP/1.1\r\n")) << asked;
    EXPECT_NE(asked.find("Authorization:Bearer secret\r\n"), std::string::npos) << asked;
    EXPECT_NE(asked.find("Accept:application/json;as=X\r\n"), std::string::npos) << asked;
    EXPECT_NE(asked.find("User-Agent:steelyard-controller/"), std::string::npos) << asked;
}

TEST(RestTransport, StatusesAreNamedWithTheServersReason) {
    const std::string status = R"({"kind":"Status","message":"pods is forbidden","code":403})";
    struct Case {
        std::string answer;
        ApiErrorKind kind;
        std::string text;
    };
    const std::vector<Case> cases = {
        {answer("401 Unauthorized", ""), ApiErrorKind::unauthorized, "401 Unauthorized"},
        {answer("403 Forbidden", status), ApiErrorKind::forbidden, "403 pods is forbidden"},
        {answer("404 Not Found", "page not found\n"), ApiErrorKind::not_found, "404 page not found"},
        {answer("409 Conflict", R"({"message":"exists","code":409})"), ApiErrorKind::conflict, "409 exists"},
        {answer("410 Gone", R"({"message":"expired","code":410})"), ApiErrorKind::gone, "410 expired"},
        {answer("500 Oops", "<html>"), ApiErrorKind::server, "500 <html>"},
        {answer("302 Found", "", "Location: http://127.0.0.1:1/\r\n"), ApiErrorKind::status, "302 Found"},
    };
    for (const Case& one : cases) {
        Server server({one.answer});
        auto body = transport(server.config())->get({"/"}, {});
        ASSERT_FALSE(body) << one.text;
        EXPECT_EQ(body.error().kind, one.kind) << body.error().to_string();
        EXPECT_EQ(body.error().to_string(), one.text);
    }
}

TEST(RestTransport, RetryAfterIsRead) {
    Server server({answer("429 Too Many Requests", "slow", "Retry-After: 7\r\n")});
    auto stream = transport(server.config())->watch({"/"}, {});
    ASSERT_FALSE(stream);
    EXPECT_EQ(stream.error().kind, ApiErrorKind::throttled);
    EXPECT_EQ(stream.error().retry_after, Milliseconds(7000));
}

TEST(RestTransport, ARefusedTokenIsReadAgainFromItsFile) {
    const auto path = std::filesystem::temp_directory_path() / ("steelyard-token-" + std::to_string(::getpid()));
    std::ofstream(path) << "old";
    Server server({answer("401 Unauthorized", ""), answer("200 OK", "{}")});
    ClusterConfig config = server.config();
    config.token_file = path.string();
    const auto rest = transport(config);
    EXPECT_FALSE(rest->get({"/"}, {}));
    const auto written = std::filesystem::last_write_time(path);
    std::ofstream(path) << "new";
    std::filesystem::last_write_time(path, written);
    EXPECT_TRUE(rest->get({"/"}, {}));
    EXPECT_NE(server.asked(1).find("Bearer new\r\n"), std::string::npos) << server.asked(1);
    std::filesystem::remove(path);
    EXPECT_TRUE(rest->get({"/"}, {}));
}

TEST(RestTransport, AWatchGivesLinesAcrossChunksAndEnds) {
    Server server({std::string(kStream) + chunk("{\"a\":1}\n{\"b\"") + chunk(":2}\n") + chunk("\n") + "0\r\n\r\n"});
    auto stream = transport(server.config())->watch({"/"}, {});
    ASSERT_TRUE(stream) << stream.error().to_string();
    for (const std::string expected : {"{\"a\":1}", "{\"b\":2}", ""}) {
        auto line = (*stream)->next_line(Milliseconds(5000), {});
        ASSERT_TRUE(line) << line.error().to_string();
        ASSERT_TRUE(line->has_value());
        EXPECT_EQ(**line, expected);
    }
    auto end = (*stream)->next_line(Milliseconds(5000), {});
    ASSERT_TRUE(end) << end.error().to_string();
    EXPECT_FALSE(end->has_value());
}

TEST(RestTransport, AConnectionThatBreaksIsAnErrorNotAnEnd) {
    Server torn({std::string(kStream) + chunk("{\"a\":1}\n{\"b")});
    auto stream = transport(torn.config())->watch({"/"}, {});
    ASSERT_TRUE(stream) << stream.error().to_string();
    ASSERT_TRUE((*stream)->next_line(Milliseconds(5000), {}));
    auto broken = (*stream)->next_line(Milliseconds(5000), {});
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().kind, ApiErrorKind::unreachable);

    Server cut({"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"});
    auto body = transport(cut.config())->get({"/"}, {});
    ASSERT_FALSE(body);
    EXPECT_EQ(body.error().kind, ApiErrorKind::unreachable);
}

TEST(RestTransport, NoServerNoHttpAndNoAnswerAreErrors) {
    ClusterConfig nobody;
    nobody.server = "http://127.0.0.1:1";
    EXPECT_EQ(transport(nobody)->get({"/"}, {}).error().kind, ApiErrorKind::unreachable);
    Server garbage({"SSH-2.0-OpenSSH\r\n\r\n"});
    EXPECT_EQ(transport(garbage.config())->get({"/"}, {}).error().kind, ApiErrorKind::unreachable);
    Server silent({""});
    EXPECT_EQ(transport(silent.config())->get({"/"}, {}).error().kind, ApiErrorKind::unreachable);
}

TEST(RestTransport, SilenceIsNoticedAndAStopIsPrompt) {
    Server server({std::string(kStream) + chunk("{}\n")}, true);
    const auto rest = transport(server.config());
    auto stream = rest->watch({"/"}, {});
    ASSERT_TRUE(stream) << stream.error().to_string();
    ASSERT_TRUE((*stream)->next_line(Milliseconds(5000), {}));
    EXPECT_EQ((*stream)->next_line(Milliseconds(30), {}).error().kind, ApiErrorKind::timeout);

    std::stop_source stop;
    std::thread later([&] {
        std::this_thread::sleep_for(Milliseconds(30));
        stop.request_stop();
    });
    const TimePoint before = Clock::now();
    EXPECT_EQ((*stream)->next_line(Milliseconds(60'000), stop.get_token()).error().kind, ApiErrorKind::stopped);
    EXPECT_LT(Clock::now() - before, std::chrono::seconds(10));
    later.join();

    Server mute({""}, true);
    EXPECT_EQ(transport(mute.config())->get({"/"}, stop.get_token()).error().kind, ApiErrorKind::stopped);
}

TEST(RestClient, WritesAreSentAsTheyAreAndTheAnswerIsTheObject) {
    Server server({answer("201 Created", "{\"a\":1}"), answer("200 OK", "{\"b\":2}"), answer("200 OK", "{\"c\":3}"),
                   answer("200 OK", "{\"d\":4}"),
                   answer("409 Conflict", R"({"message":"the object has been modified","code":409})")});
    auto client = make_client(server.config());
    ASSERT_TRUE(client) << client.error().to_string();
    struct Case {
        ApiResult<std::string> answer;
        std::string body, line, type;
    };
    const Case cases[] = {
        {(*client)->create("/a", "{}", {}), "{\"a\":1}", "POST /a HTTP/1.1\r\n", "Content-Type:application/json\r\n"},
        {(*client)->replace("/b", "{}", {}), "{\"b\":2}", "PUT /b HTTP/1.1\r\n", "Content-Type:application/json\r\n"},
        {(*client)->patch("/c", "{}", kMergePatch, {}), "{\"c\":3}", "PATCH /c HTTP/1.1\r\n",
         "Content-Type:application/merge-patch+json\r\n"},
        {(*client)->get("/d", {}), "{\"d\":4}", "GET /d HTTP/1.1\r\n", "Accept:application/json\r\n"},
    };
    for (size_t turn = 0; const Case& one : cases) {
        ASSERT_TRUE(one.answer) << one.answer.error().to_string();
        EXPECT_EQ(*one.answer, one.body);
        const std::string asked = server.asked(turn++);
        EXPECT_TRUE(asked.starts_with(one.line)) << asked;
        EXPECT_NE(asked.find(one.type), std::string::npos) << asked;
    }
    const auto refused = (*client)->replace("/e", "{}", {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ApiErrorKind::conflict);
    EXPECT_EQ(refused.error().to_string(), "409 the object has been modified");
}

TEST(RestClient, TheLimitIsItsOwn) {
    Server mute({""}, true);
    auto client = make_client(mute.config(), Milliseconds(50));
    ASSERT_TRUE(client) << client.error().to_string();
    EXPECT_EQ((*client)->create("/", "{}", {}).error().kind, ApiErrorKind::timeout);
}

TEST(RestTransport, UnusableCredentialsAreNamedBeforeAnythingIsSent) {
    ClusterConfig config;
    config.source = "kubeconfig";
    config.server = "https://127.0.0.1:1";
    config.ca_pem = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";
    auto made = make_rest_transport(config);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().where, "kubeconfig: certificate-authority-data");
    config.ca_pem.clear();
    config.client_key_file = "/nonexistent.key";
    auto key = make_rest_transport(config);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().where, "/nonexistent.key");
    config.client_key_file.clear();
    config.token_file = "/nonexistent.token";
    EXPECT_EQ(transport(config)->get({"/"}, {}).error().kind, ApiErrorKind::credentials);
}

}  // namespace
}  // namespace steelyard::kube
