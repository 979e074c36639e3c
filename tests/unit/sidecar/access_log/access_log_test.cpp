#include "sidecar/access_log/access_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

namespace steelyard::access_log {
namespace {

using namespace std::chrono_literals;

bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 1000; ++i) {
        if (holds()) return true;
        std::this_thread::sleep_for(5ms);
    }
    return false;
}

class AccessLogTest : public ::testing::Test {
protected:
    AccessLogTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "access-log-XXXXXX").string();
        directory_ = mkdtemp(pattern.data());
        options_.target = Target::file;
        options_.path = directory_ + "/log";
        options_.format = *Format::parse("%{path}");
        options_.ring_bytes = 8192;
    }
    ~AccessLogTest() override { std::filesystem::remove_all(directory_); }

    void open(size_t workers = 1) {
        auto log = AccessLog::open(options_, workers);
        ASSERT_TRUE(log) << log.error().to_string();
        log_ = std::move(*log);
    }
    void write(const std::string& path, size_t worker = 0, uint16_t status = 200) {
        Record record;
        record.path = path;
        record.status = status;
        const auto now = Clock::now();
        log_->worker(worker).write(record, now, now);
    }
    static std::string read(const std::string& path) {
        std::stringstream text;
        text << std::ifstream(path).rdbuf();
        return text.str();
    }

    std::string directory_;
    Options options_;
    std::unique_ptr<AccessLog> log_;
};

TEST_F(AccessLogTest, LinesOfAllWorkersArriveInTheOrderOfEach) {
    open(3);
    std::vector<std::thread> threads;
    for (size_t worker = 0; worker < 3; ++worker) {
        threads.emplace_back([this, worker] {
            for (int i = 0; i < 2000; ++i) {
                write(std::to_string(worker) + "/" + std::to_string(i), worker);
                if (i % 100 == 0) std::this_thread::sleep_for(1ms);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    log_->stop();
    const auto stats = log_->stats();
    EXPECT_EQ(stats.lines + stats.dropped_full, 6000U);
    EXPECT_EQ(stats.dropped_error, 0U);
    std::ifstream file(options_.path);
    std::array<int, 3> last{-1, -1, -1};
    uint64_t lines = 0;
    for (std::string line; std::getline(file, line); ++lines) {
        const auto worker = static_cast<size_t>(line.at(0) - '0');
        const int number = std::stoi(line.substr(2));
        EXPECT_GT(number, last.at(worker));
        last.at(worker) = number;
    }
    EXPECT_EQ(lines, stats.lines);
}

TEST_F(AccessLogTest, IsAppendedTo) {
    std::ofstream(options_.path) << "before\n";
    open();
    write("/x");
    EXPECT_TRUE(eventually([&] { return read(options_.path) == "before\n/x\n"; })) << "without an end of the process";
}

TEST_F(AccessLogTest, AfterARenameReopenGoesOnInANewFile) {
    open();
    write("/old");
    std::filesystem::rename(options_.path, options_.path + ".1");
    write("/between");
    log_->reopen();
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(options_.path); }));
    write("/new");
    log_->stop();
    EXPECT_EQ(read(options_.path + ".1"), "/old\n/between\n");
    EXPECT_EQ(read(options_.path), "/new\n");
}

TEST_F(AccessLogTest, ReopeningThatFailsKeepsTheFileThatWasOpen) {
    std::filesystem::create_directory(directory_ + "/sub");
    options_.path = directory_ + "/sub/log";
    open();
    std::filesystem::rename(directory_ + "/sub", directory_ + "/moved");
    log_->reopen();
    std::this_thread::sleep_for(20ms);
    write("/x");
    log_->stop();
    EXPECT_EQ(read(directory_ + "/moved/log"), "/x\n");
}

TEST_F(AccessLogTest, APipeThatNobodyReadsDropsLinesAndHoldsNobodyUp) {
    ASSERT_EQ(mkfifo(options_.path.c_str(), 0600), 0);
    options_.flush_timeout = 50ms;
    open();
    const auto begun = Clock::now();
    for (int i = 0; i < 20'000; ++i) write("/" + std::string(200, 'x'));
    EXPECT_LT(Clock::now() - begun, 5s);
    EXPECT_TRUE(eventually([&] { return log_->stats().dropped_full > 15'000; }));
    const auto stopping = Clock::now();
    log_->stop();
    EXPECT_LT(Clock::now() - stopping, 3s);
    const auto stats = log_->stats();
    EXPECT_EQ(stats.lines + stats.dropped_full + stats.dropped_error, 20'000U);
}

TEST_F(AccessLogTest, AReaderThatComesLateGetsWholeLines) {
    ASSERT_EQ(mkfifo(options_.path.c_str(), 0600), 0);
    open();
    for (int i = 0; i < 1000; ++i) write("/" + std::string(200, 'x'));
    const int reader = ::open(options_.path.c_str(), O_RDONLY);
    ASSERT_GE(reader, 0);
    std::string text;
    std::thread reading([&] {
        std::array<char, 1000> bytes;
        while (!text.ends_with("/end\n")) {
            const ssize_t n = ::read(reader, bytes.data(), bytes.size());
            if (n > 0) text.append(bytes.data(), static_cast<size_t>(n));
        }
    });
    while (log_->worker(0).ring().used() > 4000) std::this_thread::sleep_for(1ms);
    write("/end");
    reading.join();
    ::close(reader);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_TRUE(line.size() == 201 || line == "/end") << line;
}

TEST_F(AccessLogTest, AFullDiskIsCounted) {
    options_.path = "/dev/full";
    open();
    for (int i = 0; i < 10; ++i) write("/x");
    EXPECT_TRUE(eventually([&] { return log_->stats().dropped_error == 10; }));
    EXPECT_GE(log_->stats().errors, 1U);
    EXPECT_EQ(log_->stats().lines, 0U);
}

TEST_F(AccessLogTest, SamplingTakesAboutItsShareAndEveryFailure) {
    options_.sample = 0.1;
    options_.ring_bytes = size_t{1} << 20;
    open();
    for (int i = 0; i < 10'000; ++i) write("/ok", 0, i % 2 == 0 ? 200 : 404);
    for (int i = 0; i < 500; ++i) write("/bad", 0, 503);
    log_->stop();
    EXPECT_NEAR(static_cast<double>(log_->stats().lines), 1'500, 300);
    const std::string text = read(options_.path);
    size_t bad = 0;
    for (size_t at = 0; (at = text.find("/bad\n", at)) != std::string::npos; ++at) ++bad;
    EXPECT_EQ(bad, 500U);
}

TEST_F(AccessLogTest, AShareOfNothingLogsFailuresAlone) {
    options_.sample = 0;
    open();
    write("/ok");
    write("/bad", 0, 500);
    log_->stop();
    EXPECT_EQ(read(options_.path), "/bad\n");
}

TEST_F(AccessLogTest, AFileThatCannotBeOpenedIsOneError) {
    options_.path = directory_ + "/none/log";
    const auto log = AccessLog::open(options_, 1);
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().to_string(),
              "--access-log: " + options_.path + ": cannot be opened for writing: No such file or directory");
}

}  // namespace
}  // namespace steelyard::access_log
