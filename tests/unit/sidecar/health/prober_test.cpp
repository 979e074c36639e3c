// The prober against real listeners on loopback, on the test's own io_context.
#include "sidecar/health/prober.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <deque>
#include <optional>
#include <string>

namespace steelyard::health {
namespace {

using State = HealthMachine::State;
using asio::ip::tcp;

const tcp::endpoint kAnyPort(asio::ip::address_v4::loopback(), 0);

// Accepts, reads a request's first bytes and does as it is told. Counts.
class Server {
public:
    // What to send; empty: nothing, and the connection stays open. close: after sending, closes.
    explicit Server(asio::io_context& io, std::string says, bool close = true)
        : answer(std::move(says)), closes_(close), acceptor_(io, kAnyPort) {
        accept();
    }

    tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
    Target target() const { return {.id = "127.0.0.1:" + std::to_string(endpoint().port()), .endpoint = endpoint()}; }
    void shut() { acceptor_.close(); }

    std::string answer;
    std::string request;  // the last one
    int connections = 0;
    int open = 0;
    int most_open = 0;
    int resets = 0;  // connections that ended with anything but a clean end of stream

private:
    struct Session {
        tcp::socket socket;
        std::array<char, 4096> buffer{};
    };

    void accept() {
        acceptor_.async_accept([this](error_code error, tcp::socket socket) {
            if (error) return;
            ++connections;
            most_open = std::max(most_open, ++open);
            auto session = std::make_shared<Session>(Session{std::move(socket)});
            read(session);
            accept();
        });
    }
    void read(const std::shared_ptr<Session>& session) {
        session->socket.async_read_some(asio::buffer(session->buffer), [this, session](error_code error, size_t bytes) {
            if (error) {
                --open;
                resets += error != asio::error::eof;
                return;
            }
            request.assign(session->buffer.data(), bytes);
            error_code ignored;
            if (!answer.empty()) session->socket.send(asio::buffer(answer), 0, ignored);
            if (closes_ && !answer.empty()) session->socket.shutdown(tcp::socket::shutdown_send, ignored);
            read(session);
        });
    }

    bool closes_;
    tcp::acceptor acceptor_;
};

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

config::HealthCheck quick(config::HealthCheck::Type type = config::HealthCheck::Type::http) {
    config::HealthCheck check;
    check.type = type;
    check.interval_ms = 20;  // below what validation allows: tests have little time
    check.timeout_ms = 2000;
    check.path = "/healthz";
    return check;
}

class ProberTest : public testing::Test {
protected:
    // Runs until `done`, at most 10 seconds.
    template <class F>
    [[nodiscard]] bool run_until(const F& done) {
        const TimePoint deadline = Clock::now() + std::chrono::seconds(10);
        while (!done() && Clock::now() < deadline) {
            io.restart();
            io.run_one_for(Milliseconds(20));
        }
        return done();
    }
    void run_for(Milliseconds time) {
        const TimePoint end = Clock::now() + time;
        while (Clock::now() < end) {
            io.restart();
            io.run_one_until(end);
        }
    }
    // The transitions told so far, as "id state".
    Prober::OnTransition note() {
        return [this](const std::string& upstream, const std::string& id, State state) {
            told.push_back(upstream + " " + id + " " + std::string(to_string(state)));
        };
    }

    asio::io_context io{1};
    std::deque<std::string> told;
};

TEST_F(ProberTest, AServerThatAnswers200IsUpAndIsAskedProperlyAndNeverReset) {
    Server server(io, kOk);
    Prober prober(io, note(), {});
    const Target target = server.target();
    prober.set_targets("shop/web:http", {target}, quick());
    EXPECT_EQ(prober.state("shop/web:http", target.id), State::unknown);
    ASSERT_TRUE(run_until([&] { return prober.stats().at("shop/web:http").ok >= 5; }));
    EXPECT_EQ(told, std::deque<std::string>{"shop/web:http " + target.id + " up"});
    EXPECT_EQ(prober.state("shop/web:http", target.id), State::up);
    EXPECT_EQ(server.request.substr(0, server.request.find("User-Agent")),
              "GET /healthz HTTP/1.1\r\nHost: " + target.id + "\r\n");
    EXPECT_EQ(server.most_open, 1);
    EXPECT_EQ(server.resets, 0);
    EXPECT_EQ(prober.stats().at("shop/web:http").failed, 0U);
}

TEST_F(ProberTest, ATcpCheckOnlyConnects) {
    Server server(io, "");
    Prober prober(io, note(), {});
    prober.set_targets("u", {server.target()}, quick(config::HealthCheck::Type::tcp));
    ASSERT_TRUE(run_until([&] { return prober.stats().at("u").ok >= 3 && server.connections >= 3; }));
    EXPECT_EQ(told.size(), 1U);
    EXPECT_EQ(server.request, "");
}

struct Bad {
    const char* name;
    const char* answer;
    bool close;
};

class ProberBadAnswer : public ProberTest, public testing::WithParamInterface<Bad> {};

TEST_P(ProberBadAnswer, IsDownFromTheFirstProbeOn) {
    Server server(io, GetParam().answer, GetParam().close);
    Prober prober(io, note(), {});
    auto check = quick();
    check.timeout_ms = 50;
    prober.set_targets("u", {server.target()}, check);
    ASSERT_TRUE(run_until([&] { return prober.stats().at("u").failed >= 3; }));
    EXPECT_EQ(told, std::deque<std::string>{"u " + server.target().id + " down"});
    EXPECT_EQ(prober.stats().at("u").ok, 0U);
    ASSERT_TRUE(run_until([&] { return server.open <= 1; }));
}

INSTANTIATE_TEST_SUITE_P(Prober, ProberBadAnswer,
                         testing::Values(Bad{"Status500", "HTTP/1.1 500 Oops\r\n\r\n", true}, Bad{"Nothing", "", false},
                                         Bad{"HalfALine", "HTTP/1.1 20", false},
                                         Bad{"HalfALineAndTheEnd", "HTTP/1.1 20", true},
                                         Bad{"Garbage", "220 mail.example ESMTP\r\n", false},
                                         Bad{"Binary", "\x15\x03\x03\x02\x02", false}),
                         [](const auto& bad) { return bad.param.name; });

TEST_F(ProberTest, ARefusedConnectionIsAFailureForBothKindsOfCheck) {
    for (const auto type : {config::HealthCheck::Type::tcp, config::HealthCheck::Type::http}) {
        Server server(io, kOk);
        const Target target = server.target();
        server.shut();
        Prober prober(io, note(), {});
        prober.set_targets("u", {target}, quick(type));
        ASSERT_TRUE(run_until([&] { return prober.stats().at("u").failed >= 2; }));
        EXPECT_EQ(prober.state("u", target.id), State::down);
    }
}

TEST_F(ProberTest, ASlowServerHasItsTimeoutForTheWholeExchange) {
    Server server(io, "", false);
    Prober prober(io, note(), {});
    auto check = quick();
    check.timeout_ms = 150;
    prober.set_targets("u", {server.target()}, check);
    ASSERT_TRUE(run_until([&] { return server.connections == 1; }));
    const TimePoint start = Clock::now();
    ASSERT_TRUE(run_until([&] { return !told.empty(); }));
    EXPECT_GE(Clock::now() - start, Milliseconds(100));
    EXPECT_LT(Clock::now() - start, Milliseconds(2000));
    EXPECT_EQ(server.connections, 1);
}

TEST_F(ProberTest, AnEndlessBodyDoesNotDelayTheVerdictNorTheNextProbe) {
    Server server(io, "HTTP/1.1 200 OK\r\n\r\n" + std::string(1000, 'x'), false);
    Prober prober(io, note(), {});
    prober.set_targets("u", {server.target()}, quick());
    const TimePoint start = Clock::now();
    ASSERT_TRUE(run_until([&] { return prober.stats().at("u").ok >= 5; }));
    EXPECT_LT(Clock::now() - start, Milliseconds(1900));  // the time-out is 2 s
    EXPECT_GT(server.most_open, 1);
}

TEST_F(ProberTest, FollowsAServerThatFlapsByRiseAndFall) {
    Server server(io, kOk);
    Prober prober(io, note(), {});
    auto check = quick();
    check.rise = 2;
    check.fall = 3;
    const Target target = server.target();
    prober.set_targets("u", {target}, check);
    ASSERT_TRUE(run_until([&] { return told.size() == 1; }));
    const uint64_t failed_before = prober.stats().at("u").failed;
    server.answer = "HTTP/1.1 503 Busy\r\n\r\n";
    ASSERT_TRUE(run_until([&] { return told.size() == 2; }));
    EXPECT_EQ(prober.stats().at("u").failed - failed_before, 3U);
    const uint64_t ok_before = prober.stats().at("u").ok;
    server.answer = kOk;
    ASSERT_TRUE(run_until([&] { return told.size() == 3; }));
    EXPECT_EQ(prober.stats().at("u").ok - ok_before, 2U);
    EXPECT_EQ(told[0], "u " + target.id + " up");
    EXPECT_EQ(told[1], "u " + target.id + " down");
    EXPECT_EQ(told[2], "u " + target.id + " up");
}

TEST_F(ProberTest, TargetsThatStayKeepTheirStateAndThoseThatGoAreNotToldOf) {
    Server stays(io, kOk);
    Server goes(io, "", false);  // its probe is in flight when it goes
    Prober prober(io, note(), {});
    prober.set_targets("u", {stays.target(), goes.target()}, quick());
    // The other's next probe may be in flight for a moment too.
    ASSERT_TRUE(
        run_until([&] { return told.size() == 1 && goes.connections == 1 && prober.stats().at("u").in_flight == 1; }));

    prober.set_targets("u", {stays.target()}, quick());
    EXPECT_EQ(prober.state("u", stays.target().id), State::up);
    EXPECT_EQ(prober.state("u", goes.target().id), State::unknown);
    ASSERT_TRUE(run_until([&] { return goes.open == 0; }));
    const uint64_t ok = prober.stats().at("u").ok;
    ASSERT_TRUE(run_until([&] { return prober.stats().at("u").ok >= ok + 3; }));
    EXPECT_EQ(told.size(), 1U);
    EXPECT_EQ(goes.connections, 1);
}

TEST_F(ProberTest, AChangedCheckKeepsTheStateUntilItsFirstResult) {
    Server server(io, kOk);
    Prober prober(io, note(), {});
    prober.set_targets("u", {server.target()}, quick());
    ASSERT_TRUE(run_until([&] { return told.size() == 1; }));
    auto check = quick();
    check.expected = {{204, 204}};
    prober.set_targets("u", {server.target()}, check);
    EXPECT_EQ(prober.state("u", server.target().id), State::up);
    ASSERT_TRUE(run_until([&] { return told.size() == 2; }));
    EXPECT_EQ(prober.state("u", server.target().id), State::down);
    EXPECT_EQ(prober.stats().at("u").failed, 1U);
}

TEST_F(ProberTest, ARemovedUpstreamIsProbedNoMore) {
    Server server(io, kOk);
    Server silent(io, "", false);
    Prober prober(io, note(), {});
    prober.set_targets("u", {server.target(), silent.target()}, quick());
    ASSERT_TRUE(run_until([&] { return told.size() == 1 && silent.connections == 1; }));
    prober.remove("u");
    prober.remove("never was");
    EXPECT_TRUE(prober.stats().empty());
    ASSERT_TRUE(run_until([&] { return silent.open == 0 && server.open == 0; }));
    const int connections = server.connections;
    run_for(Milliseconds(100));
    EXPECT_EQ(server.connections, connections);
    EXPECT_EQ(prober.open_connections(), 0U);
}

TEST_F(ProberTest, NeverHasMoreConnectionsOpenThanItMay) {
    std::deque<Server> servers;
    std::vector<Target> targets;
    for (int i = 0; i < 30; ++i) targets.push_back(servers.emplace_back(io, "", false).target());
    Prober prober(io, note(), {.max_in_flight = 4, .seed = 1});
    auto check = quick();
    check.timeout_ms = 20;
    prober.set_targets("u", targets, check);
    size_t most = 0;
    ASSERT_TRUE(run_until([&] {
        most = std::max(most, prober.open_connections());
        return prober.stats().at("u").failed >= 60;
    }));
    EXPECT_EQ(most, 4U);
    for (const Server& server : servers) EXPECT_GT(server.connections, 0);  // nobody starves
}

TEST_F(ProberTest, ACallbackMayRemoveWhatItIsToldOfOrStopEverything) {
    Server one(io, kOk);
    Server two(io, "HTTP/1.1 500 No\r\n\r\n");
    std::optional<Prober> prober;
    prober.emplace(
        io,
        [&](const std::string& upstream, const std::string& id, State) {
            told.push_back(id);
            if (upstream == "first") {
                prober->remove(upstream);
            } else if (upstream == "second") {
                prober->set_targets("second", {one.target()}, quick());
            } else {
                prober.reset();
            }
        },
        Prober::Options{});
    prober->set_targets("first", {one.target()}, quick());
    ASSERT_TRUE(run_until([&] { return told.size() == 1; }));
    prober->set_targets("second", {two.target()}, quick());
    ASSERT_TRUE(run_until([&] { return told.size() == 3; }));
    prober->set_targets("third", {one.target(), two.target()}, quick());
    ASSERT_TRUE(run_until([&] { return !prober.has_value(); }));
    run_for(Milliseconds(100));
    EXPECT_EQ(told.size(), 4U);
}

TEST_F(ProberTest, StopCutsOffWhatIsInFlightAndLeavesTheContextWithNothingToDo) {
    Server silent(io, "", false);
    {
        Prober prober(io, note(), {});
        prober.set_targets("u", {silent.target()}, quick());
        ASSERT_TRUE(run_until([&] { return silent.connections == 1; }));
        prober.stop();
        prober.set_targets("u", {silent.target()}, quick());
        EXPECT_TRUE(prober.stats().empty());
    }
    ASSERT_TRUE(run_until([&] { return silent.open == 0; }));
    silent.shut();
    io.restart();
    io.run();  // returns, or the test times out
    EXPECT_TRUE(told.empty());
}

TEST_F(ProberTest, SpreadsTheFirstProbesOfAnUpstreamOverASecond) {
    std::deque<Server> servers;
    std::vector<Target> targets;
    for (int i = 0; i < 40; ++i) targets.push_back(servers.emplace_back(io, kOk).target());
    std::vector<TimePoint> when;
    Prober prober(io, [&](const std::string&, const std::string&, State) { when.push_back(Clock::now()); }, {});
    auto check = quick();
    check.interval_ms = 5000;
    const TimePoint start = Clock::now();
    prober.set_targets("u", targets, check);
    ASSERT_TRUE(run_until([&] { return when.size() == 40; }));
    EXPECT_LT(when.front() - start, Milliseconds(500));
    EXPECT_GT(when.back() - when.front(), Milliseconds(300));
    EXPECT_LT(when.back() - start, Milliseconds(4000));
}

TEST_F(ProberTest, ItsOwnLackOfSocketsTakesNobodyDown) {
    Server server(io, kOk);
    Prober prober(io, note(), {});
    prober.set_targets("u", {server.target()}, quick());
    ASSERT_TRUE(run_until([&] { return told.size() == 1; }));

    rlimit usual{};
    getrlimit(RLIMIT_NOFILE, &usual);
    const rlimit none{.rlim_cur = 0, .rlim_max = usual.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    const bool seen = run_until([&] { return prober.stats().at("u").inconclusive >= 5; });
    setrlimit(RLIMIT_NOFILE, &usual);
    EXPECT_TRUE(seen);
    const uint64_t ok = prober.stats().at("u").ok;
    EXPECT_TRUE(run_until([&] { return prober.stats().at("u").ok >= ok + 3; }));
    EXPECT_EQ(prober.state("u", server.target().id), State::up);
    EXPECT_EQ(told.size(), 1U);
}

}  // namespace
}  // namespace steelyard::health
