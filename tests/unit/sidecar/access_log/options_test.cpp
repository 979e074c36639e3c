#include "sidecar/access_log/options.hpp"

#include <gtest/gtest.h>

namespace steelyard::access_log {
namespace {

std::string problem(const std::string& target, std::string_view format = "json", std::string_view sample = "1") {
    const auto options = parse_options(target, format, sample);
    return options ? "" : options.error().to_string();
}

TEST(AccessLogOptions, NameWhereLinesGo) {
    EXPECT_FALSE(parse_options("off", "json", "1")->has_value());
    EXPECT_EQ((*parse_options("stdout", "json", "1"))->target, Target::standard_output);
    EXPECT_EQ((*parse_options("stderr", "json", "1"))->target, Target::standard_error);
    const auto file = *parse_options("/var/log/access.log", "%{path}", "0.25");
    EXPECT_EQ(file->target, Target::file);
    EXPECT_EQ(file->path, "/var/log/access.log");
    EXPECT_EQ(file->sample, 0.25);
    EXPECT_TRUE(file->format.uses(Field::path));
    EXPECT_FALSE(file->format.uses(Field::status));
}

TEST(AccessLogOptions, AWrongValueIsOneSentenceThatNamesItsFlag) {
    EXPECT_EQ(problem("stdot"),
              "--access-log: 'stdot' is none of off, stdout, stderr, or a file's path with a '/' in it");
    EXPECT_EQ(problem(""), "--access-log: '' is none of off, stdout, stderr, or a file's path with a '/' in it");
    EXPECT_FALSE(problem("/tmp/").empty());
    for (const char* share : {"2", "-0.1", "nan", "1%", "", " 1", "0x1", "1e0"}) {
        EXPECT_EQ(problem("off", "json", share),
                  "--access-log-sample: '" + std::string(share) + "' is not a share from 0 to 1, such as 0.01");
    }
    for (const char* share : {"0", "1", "1.0", "0.5", ".5"}) EXPECT_EQ(problem("off", "json", share), "");
    EXPECT_TRUE(problem("off", "jsn").starts_with("--access-log-format: "));
}

}  // namespace
}  // namespace steelyard::access_log
