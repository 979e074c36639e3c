#pragma once
// An agent of node n1 with its runtime, and the two files between it and a steelyard-vip that the test plays.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/files/text_file.hpp"
#include "sidecar/edge/agent.hpp"
#include "sidecar/upstream/slow_start.hpp"
#include "sidecar/vip/config/state_file.hpp"

namespace steelyard::edge {

class AgentTest : public ::testing::Test {
protected:
    AgentTest() : runtime_(options(), state_) {
        std::string pattern = (std::filesystem::temp_directory_path() / "steelyard-edge-XXXXXX").string();
        dir_ = ::mkdtemp(pattern.data());
        EXPECT_TRUE(runtime_.start());
        agent_ = std::make_unique<Agent>(AgentOptions{"n1", config_file(), state_file()}, state_, runtime_,
                                         [this](const auto& reports) {
                                             ++told_;
                                             reports_ = reports;
                                         });
    }
    ~AgentTest() override {
        runtime_.stop();
        std::filesystem::remove_all(dir_);
    }
    std::string config_file() const { return dir_ + "/vip.json"; }
    std::string state_file() const { return dir_ + "/vip-state.json"; }

    // What the controller pushes.
    void apply(std::vector<config::Resource> resources) {
        const auto outcome = state_.apply(push::Snapshot{"e." + std::to_string(++version_), std::move(resources)});
        ASSERT_TRUE(outcome.applied);
        runtime_.apply(outcome.changes);
        agent_->refresh(now_);
    }
    // What steelyard-vip is told; nullopt: nothing.
    std::optional<vip::Config> written() const {
        auto config = vip::load_config(config_file());
        return config ? std::move(*config) : std::nullopt;
    }
    // What steelyard-vip says at `when` of router 17, in one state for each of `states`.
    void write_state(const std::vector<vip::RouterState>& states, TimePoint when, const std::string& problem = "") {
        vip::StateFile file{"boot", static_cast<uint64_t>(steady_ms(when)), {}};
        for (const auto state : states) {
            file.routers.push_back({17, vip::Family::ipv4, "eth0", state, 200, {*vip::Prefix::parse("192.0.2.7/24")}});
            file.routers.back().problem = problem;
        }
        ASSERT_TRUE(files::replace_text_file(state_file(), vip::encode_state(file), files::Keep::for_this_boot));
    }

    config::ConfigState state_;
    Runtime runtime_;
    std::string dir_;
    std::unique_ptr<Agent> agent_;
    TimePoint now_ = Clock::now();
    int told_ = 0;  // times
    std::vector<push::VirtualIpReport> reports_;

private:
    static Runtime::Options options() {
        Runtime::Options options;
        options.place = {"n1", "a"};
        return options;
    }
    int version_ = 0;
};

}  // namespace steelyard::edge
