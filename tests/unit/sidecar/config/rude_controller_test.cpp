// What a proxy does with a controller that sends what it should not.
#include <gmock/gmock.h>

#include "tests/unit/sidecar/config/end_to_end.hpp"

namespace steelyard {
namespace {

using ::testing::HasSubstr;

// A controller that sends whatever it is told to.
class RudeController : public PushEndToEnd {
protected:
    void SetUp() override {
        acceptor_.open(asio::ip::tcp::v4());
        acceptor_.bind({asio::ip::make_address("127.0.0.1"), 0});
        acceptor_.listen();
        accept();
        proxy_ = std::make_unique<TestProxy>(io_, acceptor_.local_endpoint().port(), "web-0");
        proxy_->client->start();
        ASSERT_TRUE(soon([&] { return heard_.size() == 1; }));
    }
    void accept() {
        acceptor_.async_accept([this](error_code ec, asio::ip::tcp::socket socket) {
            if (ec) return;
            connection_ = push::make_connection(std::move(socket), {1u << 20, 1000ms, 1000ms}, nullptr);
            connection_->start({[this](const push::Peer&) { connection_->accept(); }, [] {},
                                [this](std::string_view t) { heard_.emplace_back(t); },
                                [](push::Connection::Stage, const std::string&) {}});
            accept();
        });
    }
    std::string say(std::string text) {
        const size_t before = heard_.size();
        connection_->send(std::make_shared<const std::string>(std::move(text)));
        EXPECT_TRUE(soon([&] { return heard_.size() > before; }));
        return heard_.back();
    }
    asio::ip::tcp::acceptor acceptor_{io_};
    std::shared_ptr<push::Connection> connection_;
    std::vector<std::string> heard_;
    std::unique_ptr<TestProxy> proxy_;
};

TEST_F(RudeController, ABadFrameIsRefusedWholeWithItsPathAndTheLastGoodStays) {
    EXPECT_EQ(say(R"({"type":"snapshot","version":"x.1","upsert":[{"kind":"upstream","name":"s/a:http"}]})"),
              R"({"type":"ack","version":"x.1"})");
    EXPECT_EQ(
        say(R"({"type":"delta","base":"x.1","version":"x.2","upsert":[{"kind":"upstream","name":"s/b:http"},)"
            R"({"kind":"endpoints","upstream":"s/a:http","slice":"1","endpoints":[{"address":"10.0.0.1","port":0}]}]})"),
        R"({"type":"nack","version":"x.2","errors":[{"path":"upsert[1].endpoints[0].port",)"
        R"~("problem":"0 is not a port (1-65535)"}]})~");
    EXPECT_FALSE(proxy_->state.find("s/b:http"));
    EXPECT_EQ(proxy_->state.version(), "x.1");
    EXPECT_EQ(proxy_->changes.size(), 1u);
    EXPECT_EQ(proxy_->stats().nacks, 1u);
    EXPECT_EQ(
        say(R"({"type":"delta","base":"x.7","version":"x.8","upsert":[]})"),
        R"~({"type":"nack","version":"x.8","errors":[{"path":"base","problem":"'x.7' is not the version in force ('x.1')"}]})~");
    EXPECT_EQ(
        say(R"({"type":"delta","base":"x.1","version":"x.9","upsert":[{"kind":"upstream","name":"s/b:http"}],"remove":[]})"),
        R"({"type":"ack","version":"x.9"})");
}

TEST_F(RudeController, GarbageEndsTheConnectionAndTheNextOneResumes) {
    say(R"({"type":"snapshot","version":"x.1","upsert":[{"kind":"upstream","name":"s/a:http"}]})");
    EXPECT_THAT(say("garbage"), HasSubstr(R"("version":"x.1",)")) << "the next hello";
    EXPECT_THAT(proxy_->stats().last_error, HasSubstr("a frame that is no message: not JSON"));
    EXPECT_TRUE(proxy_->state.find("s/a:http"));
    EXPECT_EQ(proxy_->stats().connects, 2u);
}

}  // namespace
}  // namespace steelyard
