// What a request costs in system calls: one read and one write on either side, and nothing to keep epoll informed.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <future>

#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace {

struct Calls {
    int reads = 0;
    int writes = 0;
    int waits = 0;
    int registrations = 0;
    int others = 0;  // of those that an access log could make
};

thread_local bool counted = false;
Calls calls;  // of the one thread that counts

}  // namespace

// In place of the C library's.
extern "C" {
ssize_t recv(int fd, void* room, size_t size, int flags) {
    if (counted) ++calls.reads;
    return syscall(SYS_recvfrom, fd, room, size, flags, nullptr, nullptr);
}
ssize_t send(int fd, const void* bytes, size_t size, int flags) {
    if (counted) ++calls.writes;
    return syscall(SYS_sendto, fd, bytes, size, flags, nullptr, 0);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    if (counted) ++calls.writes;
    return syscall(SYS_sendmsg, fd, message, flags);
}
ssize_t write(int fd, const void* bytes, size_t size) {
    if (counted) ++calls.others;
    return syscall(SYS_write, fd, bytes, size);
}
int epoll_wait(int epoll, epoll_event* events, int size, int timeout) {
    if (counted) ++calls.waits;
    return static_cast<int>(syscall(SYS_epoll_pwait, epoll, events, size, timeout, nullptr, 8));
}
int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
    if (counted) ++calls.registrations;
    return static_cast<int>(syscall(SYS_epoll_ctl, epoll, operation, fd, event));
}
}

namespace steelyard::test {
namespace {

class SystemCalls : public WorkerTest {
protected:
    // The worker's calls over `count` requests of a keep-alive client.
    Calls of(const std::string& request, int count) {
        Socket one = client();
        for (int i = 0; i < 10; ++i) EXPECT_EQ(one.request(request).status(), 200);
        Calls before;
        look([&] {
            counted = true;
            before = calls;
        });
        for (int i = 0; i < count; ++i) EXPECT_EQ(one.request(request).status(), 200);
        Calls after;
        look([&] {
            counted = false;
            after = calls;
        });
        return {after.reads - before.reads, after.writes - before.writes, after.waits - before.waits,
                after.registrations - before.registrations, after.others - before.others};
    }

private:
    void look(const std::function<void()>& task) {
        std::promise<void> done;
        worker_->run([&](WorkerContext&) {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }
};

TEST_F(SystemCalls, ARequestCostsTwoReadsAndTwoWrites) {
    Backend backend(
        serve([](const Message& request) { return ok("x" + request.body, "Content-Type: text/plain\r\n"); }));
    use(backend);
    const Calls get = of(std::string(kGet), 500);
    EXPECT_EQ(get.reads, 1000);
    EXPECT_EQ(get.writes, 1000);
    EXPECT_EQ(get.registrations, 0);
    EXPECT_LE(get.waits, 3 * 500) << "two, and a few ticks; a write's room is reported with the next arrival";
    const Calls post = of(with_length("POST", pattern(1000)), 500);
    EXPECT_EQ(post.reads, 1500) << "one more looks whether the pooled connection still lives";
    EXPECT_EQ(post.writes, 1000);
    EXPECT_EQ(post.registrations, 0);
}

TEST_F(SystemCalls, AnAccessLogAddsNone) {
    access_log::Options options;
    options.target = access_log::Target::file;
    options.path = "/dev/null";
    access_log_ = std::move(*access_log::AccessLog::open(options, 1));
    Backend backend(serve([](const Message&) { return ok("x"); }));
    use(backend);
    const Calls get = of(std::string(kGet), 500);
    EXPECT_EQ(get.reads, 1000);
    EXPECT_EQ(get.writes, 1000);
    EXPECT_EQ(get.registrations, 0);
    EXPECT_EQ(get.others, 0);
    EXPECT_LE(get.waits, 3 * 500);
    access_log_->stop();
    EXPECT_EQ(access_log_->stats().lines, 510U);
}

}  // namespace
}  // namespace steelyard::test
