#include "sidecar/config/state_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace steelyard::config {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class StateFileTest : public ::testing::Test {
protected:
    StateFileTest() {
        std::string pattern = (fs::temp_directory_path() / "steelyard-state-XXXXXX").string();
        dir_ = ::mkdtemp(pattern.data());
        state_.set_subscription("sidecar/1/x");
        state_.apply(
            push::Snapshot{"e.7",
                           {Upstream{"s/a:http", Protocol::http, {}, {"s/a:80"}},
                            EndpointSlice{"s/a:http", "1", {{"10.0.0.1", 80, 5, "a", "n", EndpointState::draining}}},
                            Listener{"l", "127.0.0.1", 8080, Protocol::http, "s/a:http", {"10.0.0.0/8"}},
                            VirtualIp{"s/a", {"192.0.2.7"}, 17}}});
    }
    ~StateFileTest() override { fs::remove_all(dir_); }
    std::string path(const char* name = "config.json") const { return (fs::path(dir_) / name).string(); }
    void put(const std::string& text) const { std::ofstream(path()) << text; }
    std::string got() const {
        std::ifstream in(path());
        return {std::istreambuf_iterator<char>(in), {}};
    }
    std::string error() const {
        const auto restored = load_state_file(path());
        return restored ? "" : restored.error().to_string();
    }

    std::string dir_;
    ConfigState state_;
};

TEST_F(StateFileTest, WhatWasSavedComesBack) {
    ASSERT_TRUE(write_state_file(path(), encode_state(state_.image())));
    auto restored = load_state_file(path());
    ASSERT_TRUE(restored) << restored.error().to_string();
    ASSERT_TRUE(*restored);
    EXPECT_EQ((*restored)->subscription, "sidecar/1/x");
    ConfigState again;
    ASSERT_TRUE(again.apply(std::move((*restored)->snapshot)).applied);
    EXPECT_EQ(again.version(), "e.7");
    EXPECT_EQ(*again.listeners().at("l"), *state_.listeners().at("l"));
    EXPECT_EQ(*again.virtual_ips().at("s/a"), *state_.virtual_ips().at("s/a"));
    EXPECT_FALSE(
        again.apply(push::Delta{"e.7", "e.7b", {VirtualIp{"s/a", {"192.0.2.7"}, 17}}, {}}).changes.virtual_ips);
    EXPECT_TRUE(again.apply(push::Delta{"e.7b", "e.7c", {}, {{"virtual_ip", "s/a", ""}}}).changes.virtual_ips);
    EXPECT_TRUE(state_.apply(push::Snapshot{"e.8", {}}).applied);
    EXPECT_EQ(*again.find("s/a:80").upstream, (Upstream{"s/a:http", Protocol::http, {}, {"s/a:80"}}));
    EXPECT_EQ(again.find("s/a:80").slices->at("1")->endpoints[0].weight, 5u);
}

TEST_F(StateFileTest, ItIsPrivateAndLeavesNoTemporary) {
    const auto old_mask = ::umask(0);
    put("older");
    ASSERT_TRUE(write_state_file(path(), "x"));
    struct stat status {};
    ASSERT_EQ(::stat(path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
    EXPECT_FALSE(fs::exists(path() + ".tmp"));
    ::umask(old_mask);
}

TEST_F(StateFileTest, NoFileIsAFirstStart) {
    const auto restored = load_state_file(path());
    ASSERT_TRUE(restored);
    EXPECT_FALSE(*restored);
}

TEST_F(StateFileTest, AnEmptyStateComesBackEmpty) {
    ASSERT_TRUE(state_.apply(push::Snapshot{"e.9", {}}).applied);
    put(encode_state(state_.image()));
    const auto restored = load_state_file(path());
    ASSERT_TRUE(restored && *restored);
    EXPECT_EQ((*restored)->snapshot.upsert.size(), 0u);
}

TEST_F(StateFileTest, ATornFileIsToldAtEveryLength) {
    const std::string whole = encode_state(state_.image());
    for (size_t length = 0; length < whole.size(); ++length) {
        const auto restored = decode_state(std::string_view(whole).substr(0, length), "f");
        ASSERT_FALSE(restored) << length;
        EXPECT_THAT(restored.error().to_string(),
                    testing::AnyOf(HasSubstr("f: is torn: "), HasSubstr("f: is not a state file")));
    }
}

TEST_F(StateFileTest, AFlippedByteIsToldWhereverItIs) {
    const std::string whole = encode_state(state_.image());
    const size_t body = whole.find('\n') + 1;
    for (size_t i = body; i < whole.size(); ++i) {
        std::string flipped = whole;
        flipped[i] = static_cast<char>(flipped[i] ^ 1);
        ASSERT_FALSE(decode_state(flipped, "f")) << i;
    }
}

TEST_F(StateFileTest, AForeignFileIsToldAsSuch) {
    put("");
    EXPECT_THAT(error(), HasSubstr("config.json: is not a state file: its first line is not a header"));
    put("[]\n{}");
    EXPECT_THAT(error(), HasSubstr("is not a state file"));
    put("{\"format\":\"other\",\"format_version\":1}\n");
    EXPECT_THAT(error(), HasSubstr("is not a state file of ours: format: 'other' is not steelyard-state"));
    std::string newer = encode_state(state_.image());
    newer.replace(newer.find("\"format_version\":1"), 18, "\"format_version\":2");
    put(newer);
    EXPECT_THAT(error(), HasSubstr("format_version: 2 is not 1, the one this program reads"));
    fs::remove(path());
    fs::create_directory(path());
    EXPECT_THAT(error(), HasSubstr("is not a regular file"));
}

TEST_F(StateFileTest, AConfigFileNamesItsFieldInErrors) {
    put(R"({"upsert":[{"kind":"listener","name":"l","port":0,"upstream":"s/a:http"}]})");
    const auto good = load_config_file(path());
    ASSERT_TRUE(good) << good.error().to_string();
    EXPECT_EQ(good->version, "file");
    put(R"({"upsert":[{"kind":"listener","name":"l","port":70000,"upstream":"s/a:http"}]})");
    EXPECT_THAT(load_config_file(path()).error().to_string(),
                HasSubstr("config.json: upsert[0].port: 70000 is not a listener's port (0-65535)"));
    EXPECT_THAT(load_config_file(path("none")).error().to_string(), HasSubstr("none: there is no such file"));
}

TEST_F(StateFileTest, TheWriterWritesTheNewestOnlyAndWhatIsPendingAtItsEnd) {
    auto writer = StateWriter::open(path("deep/er"), Milliseconds{50});
    ASSERT_TRUE(writer) << writer.error().to_string();
    for (int i = 0; i < 500; ++i) {
        ASSERT_TRUE(state_.apply(push::Snapshot{"e." + std::to_string(i), {}}).applied);
        (*writer)->save(state_.image());
    }
    (*writer)->stop();
    EXPECT_LE((*writer)->stats().writes, 20u);
    const auto restored = load_state_file(path("deep/er/config.json"));
    ASSERT_TRUE(restored && *restored);
    EXPECT_EQ((*restored)->snapshot.version, "e.499");
    (*writer)->save(state_.image());  // after the end: nothing
}

TEST_F(StateFileTest, AWriteThatFailsIsCountedAndLeavesTheOldFile) {
    auto writer = StateWriter::open(dir_, Milliseconds{1});
    ASSERT_TRUE(writer);
    ASSERT_TRUE(write_state_file(path(), "old"));
    fs::create_directory(path("config.json.tmp"));
    (*writer)->save(state_.image());
    (*writer)->stop();
    EXPECT_EQ((*writer)->stats().failures, 1u);
    EXPECT_EQ(got(), "old");
}

TEST_F(StateFileTest, ADirectoryThatCannotBeIsAnErrorThatNamesIt) {
    put("a file");
    const auto writer = StateWriter::open(path() + "/dir");
    ASSERT_FALSE(writer);
    EXPECT_THAT(writer.error().to_string(), HasSubstr("config.json/dir: the directory cannot be created"));
}

}  // namespace
}  // namespace steelyard::config
