#include "common/push/codec.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace steelyard::push {
namespace {

using config::EndpointSlice;
using config::Protocol;
using config::ResourceKey;
using config::Upstream;

const EndpointSlice kSlice{"shop/web:http", "web-1", {{"10.0.0.1", 8000, 5, "a", "", {}}}};
const Upstream kUpstream{"shop/web:http", Protocol::http, {}, {}};

template <class M, class D>
M message_of(const D& decoded) {
    if (const auto* failure = std::get_if<DecodeFailure>(&decoded)) {
        ADD_FAILURE() << failure->problems.first().to_string();
        return {};
    }
    const auto* message = std::get_if<M>(&std::get<0>(decoded));
    if (message == nullptr) ADD_FAILURE() << "another message";
    return message != nullptr ? *message : M{};
}

DecodeFailure failure_of(std::string_view frame) {
    auto decoded = decode_from_controller(frame);
    EXPECT_TRUE(std::holds_alternative<DecodeFailure>(decoded)) << frame;
    return std::get<DecodeFailure>(std::move(decoded));
}

std::string proxy_problem_of(std::string_view frame) {
    const auto decoded = decode_from_proxy(frame);
    const auto* failure = std::get_if<DecodeFailure>(&decoded);
    return failure == nullptr ? "" : failure->problems.first().to_string();
}

TEST(PushCodec, ADeltaIsTheDocumentedText) {
    auto writer = FrameWriter::delta("7.141", "7.142");
    writer.upsert(kSlice);
    writer.remove({"endpoints", "shop/web:http", "web-0"});
    writer.remove({"upstream", "shop/old:http", ""});
    const std::string frame = writer.finish();
    EXPECT_EQ(frame,
              R"({"type":"delta","base":"7.141","version":"7.142","upsert":[{"kind":"endpoints",)"
              R"("upstream":"shop/web:http","slice":"web-1","endpoints":[{"address":"10.0.0.1","port":8000,)"
              R"("weight":5,"zone":"a"}]}],"remove":[{"kind":"endpoints","upstream":"shop/web:http","slice":"web-0"},)"
              R"({"kind":"upstream","name":"shop/old:http"}]})");
    const auto delta = message_of<Delta>(decode_from_controller(frame));
    EXPECT_EQ(delta.base, "7.141");
    EXPECT_EQ(delta.version, "7.142");
    EXPECT_EQ(delta.upsert, std::vector<config::Resource>{kSlice});
    EXPECT_EQ(delta.remove,
              (std::vector<ResourceKey>{{"endpoints", "shop/web:http", "web-0"}, {"upstream", "shop/old:http", ""}}));
}

TEST(PushCodec, SnapshotsComeBackEmptyOrNot) {
    EXPECT_EQ(message_of<Snapshot>(decode_from_controller(FrameWriter::snapshot("1.1").finish())).upsert.size(), 0u);
    auto writer = FrameWriter::snapshot("1.2");
    writer.upsert(kUpstream);
    writer.upsert(kSlice);
    EXPECT_EQ(writer.count(), 2u);
    const auto snapshot = message_of<Snapshot>(decode_from_controller(writer.finish()));
    EXPECT_EQ(snapshot.version, "1.2");
    EXPECT_EQ(snapshot.upsert, (std::vector<config::Resource>{kUpstream, kSlice}));
    EXPECT_EQ(message_of<Delta>(decode_from_controller(FrameWriter::delta("1.1", "1.2").finish())).remove.size(), 0u);
}

TEST(PushCodec, EachMessageOfAProxyComesBack) {
    Hello hello;
    hello.name = "web-0";
    hello.instance = "af01";
    hello.role = Role::edge;
    hello.node = "n1";
    hello.zone = "a";
    hello.wants = {"shop/web:http", "*"};
    hello.version = "7.141";
    hello.features = {"virtual-ip", "what-is-to-come"};
    const auto back = message_of<Hello>(decode_from_proxy(encode(hello)));
    EXPECT_EQ(encode(back), encode(hello));
    EXPECT_EQ(message_of<Ack>(decode_from_proxy(encode(Ack{"7.1"}))).version, "7.1");
    const auto nack =
        message_of<Nack>(decode_from_proxy(encode(Nack{"7.1", {{"upsert[0].port", "0 is \"no\" port"}}})));
    EXPECT_EQ(nack.errors, (std::vector<Error>{{"upsert[0].port", "0 is \"no\" port"}}));
    const auto report = message_of<Report>(decode_from_proxy(encode(Report{{{"shop/web:http", 2, 3}}})));
    EXPECT_EQ(report.upstreams.at(0).hosts, 3u);
    const VirtualIpReport ip{17, true, {"2001:db8::7"}, "eth0", VirtualIpState::fault, 1, 2, "the interface is gone"};
    const auto edge = message_of<Report>(decode_from_proxy(encode(Report{{}, {ip}})));
    EXPECT_EQ(edge.virtual_ips, std::vector{ip});
    const auto error = message_of<ErrorMessage>(decode_from_controller(encode(ErrorMessage{"name_in_use", "another"})));
    EXPECT_EQ(error.code, "name_in_use");
}

TEST(PushCodec, AClaimAndItsGrantComeBack) {
    const Claim claim{~uint64_t{0},
                      {{17, LeaseAction::hold, 213, ""},
                       {18, LeaseAction::transfer, 130, "node-2"},
                       {255, LeaseAction::release, 0, ""}}};
    EXPECT_EQ(message_of<Claim>(decode_from_proxy(encode(claim))), claim);
    EXPECT_EQ(encode(Claim{1, {{17, LeaseAction::hold, 213, ""}}}),
              R"({"type":"claim","id":1,"leases":[{"router_id":17,"action":"hold","priority":213}]})");
    const Grant grant{12, {{17, true, "node-1", 5000, "node-2", ""}, {18, false, "", 0, "", "the API server is away"}}};
    EXPECT_EQ(message_of<Grant>(decode_from_controller(encode(grant))), grant);
    EXPECT_EQ(message_of<Grant>(decode_from_controller(
                  R"({"type":"grant","id":3,"leases":[{"router_id":1,"held":false}],"later":[1]})")),
              (Grant{3, {{1}}}));
    Grant wordy{1, {{1, false, "", 0, "", std::string(5000, 'p')}}};
    EXPECT_EQ(message_of<Grant>(decode_from_controller(encode(wordy))).leases[0].problem.size(), 512u);
}

TEST(PushCodec, AClaimSaysWhatIsWrongWithIt) {
    const auto of = [](const std::string& leases) {
        return proxy_problem_of(R"({"type":"claim","id":1,"leases":[)" + leases + "]}");
    };
    EXPECT_EQ(of(R"({"router_id":1,"action":"hold"})"), "");
    EXPECT_EQ(of(""), "leases: is empty");
    EXPECT_EQ(of("7"), "leases[0]: is a number, not an object");
    EXPECT_EQ(of(R"({"action":"hold"})"), "leases[0].router_id: is missing");
    EXPECT_EQ(of(R"({"router_id":0,"action":"hold"})"), "leases[0].router_id: 0 is not a virtual router id (1-255)");
    EXPECT_EQ(of(R"({"router_id":1})"), "leases[0].action: is missing");
    EXPECT_EQ(of(R"({"router_id":1,"action":"steal"})"),
              "leases[0].action: 'steal' is not one of hold, release, transfer");
    EXPECT_EQ(of(R"({"router_id":1,"action":"hold","priority":256})"),
              "leases[0].priority: 256 is not a priority (0-255)");
    EXPECT_EQ(of(R"({"router_id":1,"action":"transfer"})"),
              "leases[0].to: '' is not the name of a node (1-253 visible ASCII characters, no spaces)");
    EXPECT_EQ(of(R"({"router_id":1,"action":"hold","to":"node-2"})"), "leases[0].to: has a place with transfer only");
    EXPECT_EQ(of(R"({"router_id":1,"action":"hold"},{"router_id":1,"action":"release"})"),
              "leases[1].router_id: 1 is named twice");
    std::string many;
    for (int i = 0; i < 256; ++i) many += (i == 0 ? "{}" : ",{}");
    EXPECT_EQ(of(many), "leases: 256 elements; at most 255 are allowed");
    EXPECT_EQ(proxy_problem_of(R"({"type":"claim","leases":[{"router_id":1,"action":"hold"}]})"), "id: is missing");
    EXPECT_EQ(proxy_problem_of(R"({"type":"claim","id":1})"), "leases: is missing");
}

TEST(PushCodec, AGrantSaysWhatIsWrongWithIt) {
    const auto of = [](const std::string& lease) {
        return failure_of(R"({"type":"grant","id":1,"leases":[)" + lease + "]}").problems.first().to_string();
    };
    EXPECT_EQ(of(R"({"router_id":1})"), "leases[0].held: is missing");
    EXPECT_EQ(of(R"({"router_id":1,"held":true})"), "leases[0].duration_ms: is 0 though the lease is held");
    EXPECT_EQ(of(R"({"router_id":1,"held":true,"duration_ms":60001})"),
              "leases[0].duration_ms: 60001 is not a duration in milliseconds (0-60000)");
    EXPECT_EQ(of(R"({"router_id":1,"held":false,"holder":"a b"})"),
              "leases[0].holder: 'a b' is not the name of a node (1-253 visible ASCII characters, no spaces)");
    EXPECT_FALSE(failure_of(R"({"type":"grant","id":1,"version":"1.1","leases":[]})").refusable);
}

TEST(PushCodec, ABadResourceIsRefusableWithItsVersionAndPath) {
    const auto failure = failure_of(
        R"({"type":"delta","base":"7.1","version":"7.2","upsert":[{"kind":"upstream","name":"a"},)"
        R"({"kind":"endpoints","upstream":"u","slice":"s","endpoints":[{"address":"10.0.0.1","port":0}]}],"remove":[{"kind":"x"}]})");
    EXPECT_TRUE(failure.refusable);
    EXPECT_EQ(failure.version, "7.2");
    ASSERT_EQ(failure.problems.total(), 2u);
    EXPECT_EQ(failure.problems.errors()[0].to_string(), "upsert[1].endpoints[0].port: 0 is not a port (1-65535)");
    EXPECT_EQ(failure.problems.errors()[1].to_string(),
              "remove[0].kind: 'x' is not a known kind (listener, upstream, endpoints, virtual_ip)");
}

TEST(PushCodec, GarbageIsNoMessageAndIsNotNacked) {
    for (const char* frame :
         {"", "null", "[]", "5", "\"x\"", "{", "{}", "[[[[", R"({"type":"dance"})", "\xff\xfe",
          R"({"type":5,"version":"1.1","upsert":[]})", R"({"type":"snapshot","upsert":[]})", R"({"type":"error"})"}) {
        const auto failure = failure_of(frame);
        EXPECT_FALSE(failure.refusable) << frame;
        EXPECT_FALSE(failure.problems.empty()) << frame;
    }
}

TEST(PushCodec, ATornFrameIsRefusedWithoutItsContents) {
    const auto failure =
        failure_of(R"({"type":"snapshot","version":"1.2","upsert":[{"kind":"upstream","name":"a"},{"ki)");
    EXPECT_TRUE(failure.refusable);
    EXPECT_EQ(failure.problems.first().to_string().rfind("not JSON: parse error at line 1", 0), 0u)
        << failure.problems.first().to_string();
}

TEST(PushCodec, ASnapshotWithoutItsListIsNotAnEmptyOne) {
    EXPECT_EQ(failure_of(R"({"type":"snapshot","version":"1.2"})").problems.first().to_string(), "upsert: is missing");
    EXPECT_EQ(failure_of(R"({"type":"snapshot","version":"1.2","upsert":{}})").problems.first().to_string(),
              "upsert: is not a list");
    EXPECT_EQ(failure_of(R"({"type":"snapshot","version":"1.2","upsert":null})").problems.first().to_string(),
              "upsert: is not a list");
    EXPECT_EQ(failure_of(R"({"type":"snapshot","version":"1.2","upsert":[],"upsert":[]})").problems.first().to_string(),
              "upsert: is given twice");
    EXPECT_EQ(failure_of(R"({"type":"snapshot","version":"1.2","upsert":[],"remove":[{"kind":"upstream","name":"a"}]})")
                  .problems.first()
                  .to_string(),
              "remove: has no place in a snapshot");
}

TEST(PushCodec, UnknownMembersAreSkippedWhateverTheyHold) {
    const auto delta = message_of<Delta>(decode_from_controller(
        R"({"later":[[{"type":"error","upsert":[1]}],2],"type":"delta","x":{"upsert":{"remove":[]}},"base":"1.1","version":"1.2",)"
        R"("upsert":[{"kind":"upstream","name":"a","y":[{"kind":"listener"}]}],"z":null})"));
    EXPECT_EQ(delta.upsert, (std::vector<config::Resource>{Upstream{"a", Protocol::tcp, {}, {}}}));
}

TEST(PushCodec, NestingIsBoundedOnBothSides) {
    const std::string deep(100'000, '[');
    EXPECT_EQ(failure_of(R"({"x":)" + deep).problems.first().problem, "nested deeper than 16");
    EXPECT_EQ(proxy_problem_of(R"({"type":)" + deep), "nested deeper than 16");
    EXPECT_EQ(proxy_problem_of(deep), "the frame is not a JSON object");
}

TEST(PushCodec, HugeListsCostLinearTime) {
    std::string frame = R"({"type":"hello","wants":[)";
    for (int i = 0; i < 300'000; ++i) frame += "{},";
    frame += "{}]}";
    EXPECT_NE(proxy_problem_of(frame), "");
}

TEST(PushCodec, AHelloNamesWhatItLacks) {
    const std::string good = encode(Hello{1, "n", "i", Role::sidecar, "", "", {"*"}, ""});
    EXPECT_EQ(proxy_problem_of(good), "");
    const auto without = [&](std::string_view part, std::string_view with) {
        std::string text = good;
        const size_t at = text.find(part);
        EXPECT_NE(at, std::string::npos) << part;
        return proxy_problem_of(text.replace(at, part.size(), with));
    };
    EXPECT_EQ(without(R"("name":"n",)", ""), "name: is missing");
    EXPECT_EQ(without(R"("name":"n")", R"("name":"")"),
              "name: '' is not a name (1-253 visible ASCII characters, no spaces)");
    EXPECT_EQ(without(R"("role":"sidecar")", R"("role":"king")"), "role: 'king' is not one of sidecar, edge");
    EXPECT_EQ(without(R"(["*"])", R"([7])"), "wants[0]: '' is not a name (1-253 visible ASCII characters, no spaces)");
    EXPECT_EQ(without(R"("protocol":1)", R"("protocol":"one")"), "protocol: is a string, not a number");
    EXPECT_EQ(without(R"("version":"")", R"("version":"a b")"),
              "version: 'a b' is not a version (1-64 visible ASCII characters)");
    Hello greedy{1, "n", "i", Role::sidecar, "", "", std::vector<std::string>(kMaxWants + 1, "a/b:c"), ""};
    EXPECT_EQ(proxy_problem_of(encode(greedy)), "wants: 10001 elements; at most 10000 are allowed");
}

TEST(PushCodec, ANackWithManyLongErrorsIsCut) {
    Nack nack{"1.1", std::vector<Error>(100, Error{std::string(5000, 'p'), std::string(5000, 'q')})};
    const auto back = message_of<Nack>(decode_from_proxy(encode(nack)));
    EXPECT_EQ(back.errors.size(), config::kMaxProblems);
    EXPECT_EQ(back.errors[0].problem.size(), 512u);
}

TEST(PushCodec, AFileNeedsNeitherTypeNorVersion) {
    const auto decoded = decode_snapshot_file(R"({"upsert":[{"kind":"upstream","name":"a"}]})");
    ASSERT_EQ(decoded.index(), 0u);
    EXPECT_EQ(std::get<Snapshot>(decoded).version, "file");
    EXPECT_EQ(decode_snapshot_file(R"({"type":"delta","upsert":[]})").index(), 1u);
    EXPECT_EQ(decode_snapshot_file("{}").index(), 1u);
}

TEST(PushCodec, EveryExampleInTheDocumentationIsRead) {
    std::ifstream in(STEELYARD_SOURCE_DIR "/docs/push-protocol.md");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    int examples = 0;
    for (size_t at = 0; (at = text.find("```json\n", at)) != std::string::npos; ++examples) {
        at += 8;
        const std::string example = text.substr(at, text.find("```", at) - at);
        const bool read = decode_from_controller(example).index() == 0 || decode_from_proxy(example).index() == 0;
        EXPECT_TRUE(read) << example;
    }
    EXPECT_GE(examples, 9);
}

TEST(PushCodec, AVersionIsAnEpochAndACounter) {
    const auto version = Version::parse("7af.141");
    ASSERT_TRUE(version);
    EXPECT_EQ(version->counter, 141u);
    EXPECT_EQ(version->to_string(), "7af.141");
    for (const char* wrong : {"", ".", "7", "7.", ".1", "7.x", "7.-1", "7.1x", "A.1", "7.99999999999999999999"}) {
        EXPECT_FALSE(Version::parse(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace steelyard::push
