// On a real directory, with the real inotify.
#include "controller/manifests/manifest_source.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

namespace steelyard::manifests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string service(const std::string& name, int port = 80) {
    return "apiVersion: v1\nkind: Service\nmetadata: {namespace: shop, name: " + name +
           "}\nspec: {ports: [{port: " + std::to_string(port) + "}]}\n";
}

// What the handlers add up to; can be waited for.
class Recorder final : public kube::Handler<kube::Service>,
                       public kube::Handler<kube::EndpointSlice>,
                       public kube::Handler<kube::Pod>,
                       public kube::Handler<kube::LoadBalancingPolicy>,
                       public kube::Handler<kube::AddressPool>,
                       public kube::Handler<kube::VirtualIPAdvertisement>,
                       public kube::Handler<kube::Node> {
public:
    void on_list_begin() override { ++calls; }
    void on_list_end() override { ++calls; }
    void on_objects(std::vector<kube::Service> objects) override {
        for (auto& object : objects) on_upsert(std::move(object));
    }
    void on_objects(std::vector<kube::EndpointSlice>) override {}
    void on_objects(std::vector<kube::Pod>) override {}
    void on_objects(std::vector<kube::LoadBalancingPolicy>) override {}
    void on_upsert(kube::LoadBalancingPolicy) override {}
    void on_objects(std::vector<kube::AddressPool>) override {}
    void on_upsert(kube::AddressPool) override {}
    void on_objects(std::vector<kube::VirtualIPAdvertisement>) override {}
    void on_upsert(kube::VirtualIPAdvertisement) override {}
    void on_objects(std::vector<kube::Node>) override {}
    void on_upsert(kube::Node) override {}
    void on_upsert(kube::EndpointSlice) override {}
    void on_upsert(kube::Pod) override {}
    void on_upsert(kube::Service object) override {
        const std::lock_guard lock(mutex_);
        ports_[object.meta.name] = object.ports.at(0).port;
        history_ += "+" + object.meta.name + ":" + std::to_string(object.ports.at(0).port) + " ";
        changed_.notify_all();
    }
    void on_remove(kube::ObjectKey key) override {
        const std::lock_guard lock(mutex_);
        ports_.erase(key.name);
        history_ += "-" + key.name + " ";
        changed_.notify_all();
    }

    void say(const std::string& line) {
        const std::lock_guard lock(mutex_);
        said_.push_back(line);
        changed_.notify_all();
    }
    template <class Condition>
    bool wait(Condition&& condition, std::chrono::milliseconds most = 5s) {
        const auto deadline = std::chrono::steady_clock::now() + most;
        std::unique_lock lock(mutex_);
        while (!condition()) {  // looked at now and then: the source's status changes without a call
            if (std::chrono::steady_clock::now() > deadline) return false;
            changed_.wait_for(lock, 10ms);
        }
        return true;
    }
    bool wait_port(const std::string& name, int64_t port) {
        return wait([&] { return ports_.contains(name) && ports_[name] == port; });
    }
    bool wait_gone(const std::string& name) {
        return wait([&] { return !ports_.contains(name); });
    }
    bool wait_said(const std::string& part) {
        return wait([&] {
            return std::any_of(said_.begin(), said_.end(),
                               [&](const std::string& line) { return line.find(part) != std::string::npos; });
        });
    }
    std::string history() {
        const std::lock_guard lock(mutex_);
        return history_;
    }
    std::vector<std::string> said() {
        const std::lock_guard lock(mutex_);
        return said_;
    }

    std::atomic<int> calls{0};

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, int64_t> ports_;
    std::string history_;
    std::vector<std::string> said_;
};

struct ManifestSourceTest : testing::Test {
    fs::path root =
        fs::path(testing::TempDir()) / ("manifests-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
    fs::path dir = root / "dir";
    Recorder seen;
    ManifestSource source{{.directory = dir, .check_interval = 50ms},
                          {seen, seen, seen, seen, seen, seen, seen},
                          [this](const std::string& line) { seen.say(line); }};

    void SetUp() override { fs::create_directories(dir); }
    void TearDown() override {
        source.stop();
        fs::remove_all(root);
    }
    static void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }
    // As kubectl, editors and configuration management do it.
    void replace(const std::string& name, const std::string& text) const {
        write(root / "temporary", text);
        fs::rename(root / "temporary", dir / name);
    }
    void start() {
        const auto started = source.start();
        ASSERT_TRUE(started) << started.error().to_string();
    }

    static inline int number = 0;
};

TEST_F(ManifestSourceTest, TellsTheListsAtTheStart) {
    write(dir / "a.yaml", service("a"));
    write(dir / "b.json",
          R"({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b"}, "spec": {"ports": [{"port": 80}]}})");
    write(dir / "c.txt", service("c"));
    write(dir / ".d.yaml", service("d"));
    fs::create_directory(dir / "e.yaml");
    start();
    EXPECT_EQ(seen.history(), "+b:80 +a:80 ");  // by namespace
    EXPECT_EQ(seen.calls, 14);
    EXPECT_THAT(
        seen.said(),
        testing::ElementsAre(dir.string() + "/e.yaml: is not a regular file; the file is ignored until it is mended"));
    const SourceStatus status = source.status();
    EXPECT_EQ(status.objects, 2U);
    EXPECT_EQ(status.problems, 1U);
}

TEST_F(ManifestSourceTest, WithoutADirectoryDoesNotStart) {
    ManifestSource other({.directory = root / "nowhere"}, {seen, seen, seen, seen, seen, seen, seen});
    const auto started = other.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().to_string(),
              (root / "nowhere").string() + ": cannot be watched: No such file or directory");
}

TEST_F(ManifestSourceTest, FollowsWritesRenamesAndDeletions) {
    start();
    write(dir / "a.yaml", service("a"));
    EXPECT_TRUE(seen.wait_port("a", 80));
    write(dir / "a.yaml", service("a", 81));
    EXPECT_TRUE(seen.wait_port("a", 81));
    replace("a.yaml", service("a", 82));
    EXPECT_TRUE(seen.wait_port("a", 82));
    fs::rename(dir / "a.yaml", dir / "a.txt");
    EXPECT_TRUE(seen.wait_gone("a"));
    fs::rename(dir / "a.txt", dir / "b.yml");
    EXPECT_TRUE(seen.wait_port("a", 82));
    fs::remove(dir / "b.yml");
    EXPECT_TRUE(seen.wait_gone("a"));
}

TEST_F(ManifestSourceTest, AChangeIsThereWithinMilliseconds) {
    start();
    std::vector<std::chrono::steady_clock::duration> times;
    for (int i = 1; i <= 20; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        replace("a.yaml", service("a", i));
        ASSERT_TRUE(seen.wait_port("a", i));
        times.push_back(std::chrono::steady_clock::now() - begin);
    }
    std::nth_element(times.begin(), times.begin() + 10, times.end());
    EXPECT_LT(times[10], 25ms) << "the median; the machine may be busy";
}

TEST_F(ManifestSourceTest, AFileIsNotReadBeforeItIsClosed) {
    write(dir / "a.yaml", service("a") + "---\n" + service("b"));
    start();
    const int fd = ::open((dir / "a.yaml").c_str(), O_WRONLY | O_TRUNC);
    const std::string half = service("a", 81);
    ASSERT_EQ(::write(fd, half.data(), half.size()), static_cast<ssize_t>(half.size()));  // valid YAML, but half of it
    replace("other.yaml", service("other"));
    EXPECT_TRUE(seen.wait_port("other", 80));
    fs::rename(dir / "other.yaml", dir / "..data");  // makes it look at every file
    EXPECT_TRUE(seen.wait_gone("other"));
    EXPECT_EQ(seen.history(), "+a:80 +b:80 +other:80 -other ");
    const std::string rest = "---\n" + service("b", 81);
    ASSERT_EQ(::write(fd, rest.data(), rest.size()), static_cast<ssize_t>(rest.size()));
    ::close(fd);
    EXPECT_TRUE(seen.wait_port("b", 81));
    EXPECT_EQ(seen.history(), "+a:80 +b:80 +other:80 -other +a:81 +b:81 ");
}

TEST_F(ManifestSourceTest, ATornFileKeepsTheLastGoodObjectsAndIsSaidOnce) {
    write(dir / "a.yaml", service("a"));
    start();
    write(dir / "a.yaml", "apiVersion: v1\nkind: [");
    EXPECT_TRUE(seen.wait_said("a.yaml, line "));
    write(dir / "a.yaml", "apiVersion: v1\nkind: [");
    write(dir / "b.yaml", service("b"));
    EXPECT_TRUE(seen.wait_port("b", 80));
    EXPECT_EQ(seen.said().size(), 1U);
    EXPECT_EQ(seen.history(), "+a:80 +b:80 ");
    write(dir / "a.yaml", service("a", 81));
    EXPECT_TRUE(seen.wait_port("a", 81));
    EXPECT_TRUE(seen.wait_said("mended: "));
}

TEST_F(ManifestSourceTest, AFileThatAnEditorMovesAwayAndWritesAnewIsNeverMissing) {
    write(dir / "a.yaml", service("a"));
    start();
    fs::rename(dir / "a.yaml", dir / "a.yaml~");
    std::this_thread::sleep_for(5ms);
    write(dir / "a.yaml", service("a", 81));
    EXPECT_TRUE(seen.wait_port("a", 81));
    EXPECT_EQ(seen.history(), "+a:80 +a:81 ");
}

TEST_F(ManifestSourceTest, AConfigMapVolumeChangesAllItsFilesAtOnce) {
    fs::create_directory(dir / "..1");
    write(dir / "..1" / "a.yaml", service("a"));
    fs::create_symlink("..1", dir / "..data");
    fs::create_symlink("..data/a.yaml", dir / "a.yaml");
    start();
    EXPECT_EQ(seen.history(), "+a:80 ");
    fs::create_directory(dir / "..2");
    write(dir / "..2" / "a.yaml", service("a", 81));
    fs::create_symlink("..2", dir / "..data_tmp");
    fs::rename(dir / "..data_tmp", dir / "..data");
    EXPECT_TRUE(seen.wait_port("a", 81));
    EXPECT_EQ(seen.history(), "+a:80 +a:81 ");
}

TEST_F(ManifestSourceTest, ASymbolicLinksTargetIsFollowedByTheCheck) {
    write(root / "elsewhere", service("a"));
    fs::create_symlink(root / "elsewhere", dir / "a.yaml");
    start();
    write(root / "elsewhere", service("a", 81));
    EXPECT_TRUE(seen.wait_port("a", 81));
    fs::remove(root / "elsewhere");
    EXPECT_TRUE(seen.wait_gone("a"));
}

TEST_F(ManifestSourceTest, ADirectoryThatVanishesLeavesEverythingInForceUntilItIsBack) {
    write(dir / "a.yaml", service("a"));
    write(dir / "b.yaml", service("b"));
    start();
    fs::remove_all(dir);
    EXPECT_TRUE(seen.wait_said("stays in force until it is there again"));
    fs::create_directory(dir);
    write(dir / "a.yaml", service("a", 81));
    EXPECT_TRUE(seen.wait_port("a", 81));
    EXPECT_TRUE(seen.wait_gone("b"));
    EXPECT_EQ(seen.history(), "+a:80 +b:80 +a:81 -b ");
}

TEST_F(ManifestSourceTest, ADirectoryThatIsExchangedIsNoticed) {
    write(dir / "a.yaml", service("a"));
    fs::create_directory(root / "new");
    write(root / "new" / "a.yaml", service("a", 81));
    start();
    fs::rename(dir, root / "old");
    fs::rename(root / "new", dir);
    EXPECT_TRUE(seen.wait_port("a", 81));
    EXPECT_EQ(seen.history(), "+a:80 +a:81 ");
}

TEST_F(ManifestSourceTest, AFileTooLargeIsRefusedAndTheOthersGoOn) {
    ManifestSource small({.directory = dir, .max_file_bytes = 1000}, {seen, seen, seen, seen, seen, seen, seen},
                         [this](const std::string& line) { seen.say(line); });
    write(dir / "a.yaml", service("a") + "#" + std::string(1000, 'x'));
    write(dir / "b.yaml", service("b"));
    ASSERT_TRUE(small.start());
    EXPECT_EQ(seen.history(), "+b:80 ");
    EXPECT_THAT(seen.said(),
                testing::ElementsAre(dir.string() +
                                     "/a.yaml: is larger than 1000 bytes; the file is ignored until it is mended"));
}

TEST_F(ManifestSourceTest, ManyFilesInAHurryAllArrive) {
    start();
    for (int i = 0; i < 300; ++i) {
        write(dir / ("f" + std::to_string(i) + ".yaml"), service("s" + std::to_string(i)));
        if (i % 3 == 0) fs::remove(dir / ("f" + std::to_string(i) + ".yaml"));
    }
    write(dir / "last.yaml", service("last"));
    EXPECT_TRUE(seen.wait_port("last", 80));
    EXPECT_TRUE(seen.wait([&] { return source.status().objects == 201; }));
}

TEST_F(ManifestSourceTest, AfterStopNothingIsTold) {
    start();
    source.stop();
    source.stop();
    write(dir / "a.yaml", service("a"));
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(seen.history(), "");
}

}  // namespace
}  // namespace steelyard::manifests
