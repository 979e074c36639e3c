#include "sidecar/config/trust.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/tls/pki.hpp"

namespace steelyard::config {
namespace {

std::string ca() { return tls::make_ca("ca", {1'700'000'000, 2'000'000'000})->certificate_pem; }

class Trust : public testing::Test {
protected:
    void SetUp() override { std::filesystem::create_directories(dir_); }
    void TearDown() override { std::filesystem::remove_all(dir_); }
    std::string path(const std::string& name) const { return (dir_ / name).string(); }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path(name)) << text;
        return path(name);
    }
    static std::string read(const std::string& file) {
        std::ifstream in(file);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    std::filesystem::path dir_ =
        std::filesystem::temp_directory_path() / ("steelyard-trust-" + std::to_string(::getpid()));
};

TEST_F(Trust, WhatIsLearnedIsKeptForTheNextStart) {
    const std::string one = ca(), two = ca() + one;
    TrustStore store({"", one, path("trust.pem")});
    EXPECT_TRUE(store.context());
    EXPECT_TRUE(*store.learn(two));
    EXPECT_FALSE(*store.learn(two)) << "known already";
    EXPECT_EQ(read(path("trust.pem")), two);
    struct stat status {};
    ::stat(path("trust.pem").c_str(), &status);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    TrustStore next({"", one, path("trust.pem")});
    EXPECT_FALSE(*next.learn(two));
    EXPECT_TRUE(*next.learn(one)) << "the newest takes the place of all before";
    EXPECT_EQ(read(path("trust.pem")), one);
}

TEST_F(Trust, GarbageIsNotLearnedAndNotLoaded) {
    TrustStore store({"", ca(), path("trust.pem")});
    EXPECT_FALSE(store.learn("garbage"));
    EXPECT_FALSE(store.learn(std::string(100'000, 'x')));
    EXPECT_FALSE(std::filesystem::exists(path("trust.pem")));
    write("trust.pem", "garbage");
    EXPECT_TRUE(TrustStore({"", ca(), path("trust.pem")}).context());
    write("trust.pem", std::string(200'000, 'x'));
    EXPECT_TRUE(TrustStore({"", ca(), path("trust.pem")}).context());
}

TEST_F(Trust, TheFileIsReadAgainAndItsLossIsBorneByWhatWasLearned) {
    TrustStore store({write("ca.pem", "not yet"), "", ""});
    EXPECT_FALSE(store.context());
    write("ca.pem", ca());
    EXPECT_TRUE(store.context());
    std::filesystem::remove(path("ca.pem"));
    const auto gone = store.context();
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().where, path("ca.pem"));
    EXPECT_TRUE(*store.learn(ca()));
    EXPECT_TRUE(store.context());
}

TEST_F(Trust, ATokenIsOneWord) {
    EXPECT_EQ(*read_token(write("token", "\n a.b.c \n")), "a.b.c");
    for (const std::string& bad : {std::string{}, std::string(" \n"), std::string("a b"), std::string("a\nb"),
                                   std::string("a\x01"), std::string(9000, 'a')}) {
        const auto token = read_token(write("token", bad));
        ASSERT_FALSE(token) << bad.substr(0, 20);
        EXPECT_EQ(token.error().where, path("token"));
    }
    EXPECT_FALSE(read_token(path("none")));
}

}  // namespace
}  // namespace steelyard::config
