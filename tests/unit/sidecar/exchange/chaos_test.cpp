// Everything at once: clients and backends that behave well, badly and at random while the hosts change. Nothing is asked of
// the answers but that those which look whole are; the fixture sees that nothing is left behind, sanitizers see the rest.
#include <random>
#include <thread>

#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

class Random {
public:
    explicit Random(unsigned seed) : engine_(seed) {}
    uint32_t operator()() { return static_cast<uint32_t>(engine_()); }

private:
    std::mt19937 engine_;
};

constexpr std::string_view kSwitch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

class Chaos : public WorkerTest {
protected:
    void SetUp() override {
        options_.timeouts = {.connect = Milliseconds{200},
                             .request_head = Milliseconds{300},
                             .client_idle = Milliseconds{300},
                             .response_head = Milliseconds{300},
                             .stream_idle = Milliseconds{300},
                             .tunnel_idle = Milliseconds{300},
                             .linger = Milliseconds{200}};
        options_.hosts.idle_timeout = Milliseconds{200};
        for (int i = 0; i < 4; ++i) {
            backends_.push_back(std::make_unique<Backend>([this, i](Peer& peer) {
                Random random(static_cast<unsigned>(1000 * i + peer.number));
                while (behave(peer, random)) {}
            }));
        }
    }

    static void pause(Random& random) { std::this_thread::sleep_for(std::chrono::milliseconds(random() % 5)); }

    std::string body(Random& random) const {
        return data_.substr(0, random() % 3 == 0 ? random() % data_.size() : random() % 2000);
    }

    // One answer of a backend; false when it is done with the connection.
    bool behave(Peer& peer, Random& random) {
        const unsigned way = random() % 20;
        if (way == 0) {  // before it has read anything
            peer.reset();
            return false;
        }
        const Message request = peer.next();
        if (!request) return false;
        if (random() % 3 == 0) pause(random);
        const std::string answer = ok(body(random));
        if (!request.field("upgrade").empty() && way < 15) {
            peer.send(std::string(kSwitch) + "hello");
            for (std::string bytes; !(bytes = peer.read_some()).empty() && random() % 50 != 0;) peer.send(bytes);
            return false;
        }
        switch (way) {
            case 1:
                return false;
            case 2:
                peer.reset();
                return false;
            case 3:
            case 4:
                peer.send(std::string_view(answer).substr(0, random() % answer.size()));
                if (way == 4) peer.reset();
                return false;
            case 5:
                return peer.send("nonsense\r\n\r\n");
            case 6:
                return peer.send(answer + "more than was asked for");
            case 7:
                peer.send("HTTP/1.1 200 OK\r\n\r\n" + body(random));
                return false;
            case 8:
                return peer.send(ok("bye", "Connection: close\r\n")) && false;
            case 9:
                peer.wait_end();
                return false;
            case 10:
            case 11:
                return peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("1" + body(random)) +
                                 chunk(""));
            default:
                return peer.send(answer);
        }
    }

    // One thing a client does; false when the connection is of no use any more.
    bool visit(Socket& one, Random& random) {
        const std::string data = body(random);
        const unsigned way = random() % 12;
        std::string request(kGet);
        if (way < 3) request = with_length(way == 0 ? "PUT" : "POST", data);
        if (way == 3)
            request =
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("1" + data) + chunk("");
        if (way == 4) request = "GET / HTTP/1.0\r\n\r\n";
        if (way == 5) request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly";
        if (way == 6) request = "GE T / HTTP/1.1\r\n\r\n";
        if (way == 7) request = request.substr(0, random() % request.size());
        if (way == 8) request += request + request;
        if (!one.send(request)) return false;
        if (random() % 8 == 0) {
            pause(random);
            if (random() % 2 == 0) one.reset();
            return false;
        }
        if (way == 7) return false;
        if (random() % 10 == 0) one.shutdown_write();
        for (int i = 0; i < (way == 8 ? 3 : 1); ++i) {
            const Message answer = one.read_response();
            if (!answer) return false;
            const bool right = answer.status() >= 400 || answer.status() == 101 || answer.body == "bye" ||
                               data_.starts_with(answer.body) || data_.starts_with(answer.body.substr(1));
            EXPECT_TRUE(right) << answer.head << answer.body.substr(0, 100);
        }
        return way != 5 && one.end() == Socket::End::open;
    }

    const std::string data_ = pattern(100'000);
    std::vector<std::unique_ptr<Backend>> backends_;
};

TEST_F(Chaos, LeavesNothingBehind) {
    const auto hosts = [&](Random& random) {
        std::vector<TestHost> result{{.port = refused_port()}};
        for (const auto& backend : backends_) {
            if (random() % 4 != 0)
                result.push_back({.port = backend->port(), .weight = 1 + random() % 3, .draining = random() % 4 == 0});
        }
        return result;
    };
    Random random(1);
    use(hosts(random));
    std::atomic<bool> stop{false};
    std::vector<std::thread> clients;
    for (unsigned i = 0; i < 6; ++i) {
        clients.emplace_back([&, i] {
            Random mine(i + 77);
            while (!stop) {
                Socket one = client();
                while (!stop && visit(one, mine)) {}
            }
        });
    }
    const auto end = Clock::now() + std::chrono::milliseconds(2500);
    while (Clock::now() < end) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        random() % 20 == 0 ? use_nothing() : use(hosts(random));
        for (const auto& host : seen_) {
            if (random() % 16 == 0) {
                const auto now = std::chrono::duration_cast<Milliseconds>(Clock::now().time_since_epoch()).count();
                host->cut_after_ms = random() % 2 == 0 ? 0 : now + 50;
            }
        }
    }
    stop = true;
    for (auto& one : clients) one.join();
    for (const auto& host : seen_) host->cut_after_ms = 0;
    EXPECT_GT(counters().responses[2].get(), 50U);
    for (const auto failure :
         {Failure::upstream_reset, Failure::upstream_protocol, Failure::upstream_cut, Failure::client_gone}) {
        EXPECT_GT(failures(failure), 0U) << to_string(failure) << " did not come up";
    }
}

}  // namespace
}  // namespace steelyard::test
