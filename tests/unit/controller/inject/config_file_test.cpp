#include "controller/inject/config_file.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>

namespace steelyard::inject {
namespace {

namespace fs = std::filesystem;

// A directory as the kubelet lays out a ConfigMap volume: inject.yaml -> ..data/inject.yaml, ..data -> a directory of a version.
class MountedConfig : public testing::Test {
protected:
    void SetUp() override {
        directory_ = fs::temp_directory_path() / ("inject-config-" + std::to_string(::getpid()));
        fs::create_directories(directory_);
    }
    void TearDown() override { fs::remove_all(directory_); }

    void mount(const std::string& text) {
        const std::string version = "..version" + std::to_string(++versions_);
        fs::create_directory(directory_ / version);
        std::ofstream(directory_ / version / "inject.yaml") << text;
        fs::create_symlink(version, directory_ / "..data_tmp");
        fs::rename(directory_ / "..data_tmp", directory_ / "..data");
        if (!fs::exists(fs::symlink_status(file()))) fs::create_symlink("..data/inject.yaml", file());
        if (versions_ > 1) fs::remove_all(directory_ / ("..version" + std::to_string(versions_ - 1)));
    }
    fs::path file() const { return directory_ / "inject.yaml"; }

    fs::path directory_;
    int versions_ = 0;
};

std::string with_image(const std::string& image) { return "image: " + image + "\ncontrollerURL: wss://c:9443\n"; }

TEST_F(MountedConfig, IsReadAgainWhenItsSymlinkIsSwapped) {
    mount(with_image("one"));
    ConfigFile config(file());
    ASSERT_TRUE(config.load());
    EXPECT_EQ(config.current()->image, "one");
    EXPECT_FALSE(config.poll());
    mount(with_image("two"));
    EXPECT_TRUE(config.poll());
    EXPECT_EQ(config.current()->image, "two");
    EXPECT_FALSE(config.poll());
    mount(with_image("two"));
    EXPECT_FALSE(config.poll()) << "another file that says the same";
}

TEST_F(MountedConfig, KeepsTheLastGoodOneWhileTheFileIsWrongOrGone) {
    mount(with_image("one"));
    ConfigFile config(file());
    ASSERT_TRUE(config.load());
    const auto held = config.current();
    for (const char* wrong : {"", "image: [", "image: two\n", "image: two\ncontrollerURL: wss://c:9443\nextra: 1\n"}) {
        mount(wrong);
        EXPECT_FALSE(config.poll()) << wrong;
        EXPECT_EQ(config.current(), held) << wrong;
    }
    fs::remove(directory_ / "..data");
    EXPECT_FALSE(config.poll());
    EXPECT_EQ(config.current(), held);
    mount(with_image("three"));
    EXPECT_TRUE(config.poll());
    EXPECT_EQ(config.current()->image, "three");
}

TEST_F(MountedConfig, TheFirstReadSaysWhichFileAndWhichField) {
    ConfigFile missing(directory_ / "nothing.yaml");
    EXPECT_EQ(missing.load().error().to_string(), (directory_ / "nothing.yaml").string() + ": there is no such file");
    EXPECT_EQ(missing.current(), nullptr);
    mount(with_image("one") + "logLevel: loud\n");
    ConfigFile wrong(file());
    EXPECT_EQ(wrong.load().error().to_string(),
              file().string() + ", logLevel: 'loud' is not one of trace, debug, info, warn, error");
    mount(with_image("one") + "a: b: c");
    EXPECT_TRUE(wrong.load().error().to_string().starts_with(file().string() + ", line 3"));
    std::ofstream(directory_ / "large.yaml") << std::string(300'000, '#');
    EXPECT_NE(ConfigFile(directory_ / "large.yaml").load().error().to_string().find("larger"), std::string::npos);
}

}  // namespace
}  // namespace steelyard::inject
