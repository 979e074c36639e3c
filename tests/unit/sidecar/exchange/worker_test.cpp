#include "tests/unit/sidecar/exchange/worker_test.hpp"

#include <future>

namespace steelyard::test {

WorkerTest::WorkerTest() {
    upstream_.name = "shop/web:http";
    upstream_.protocol = config::Protocol::http;
}

void WorkerTest::start(config::Protocol protocol) {
    upstream_.protocol = protocol;
    worker_ = std::make_unique<Worker>(0, options_);
    if (access_log_) worker_->set_access_log(access_log_->worker(0));
    auto socket = open_listener("127.0.0.1", 0);
    ASSERT_TRUE(socket) << socket.error().to_string();
    port_ = bound_port(*socket);
    worker_->add_listener("test", std::move(*socket), std::nullopt, upstream_.name);
    worker_->start();
}

void WorkerTest::use(const std::vector<TestHost>& hosts) {
    if (!worker_) start();
    config::EndpointSlice slice{upstream_.name, "web-1", {}};
    for (const auto& host : hosts) {
        slice.endpoints.push_back(
            {.address = "127.0.0.1",
             .port = host.port,
             .weight = host.weight,
             .zone = {},
             .node = {},
             .state = host.draining ? config::EndpointState::draining : config::EndpointState::ready});
    }
    snapshot_ = build_snapshot(upstream_, {&slice}, registry_, stats_);
    for (const auto& host : snapshot_->hosts) seen_.push_back(host.host);
    worker_->update(upstream_.name, snapshot_);
    settle();
}

void WorkerTest::use_nothing() {
    snapshot_.reset();
    worker_->update(upstream_.name, nullptr);
    settle();
}

void WorkerTest::settle() {
    std::promise<void> done;
    worker_->run([&](WorkerContext&) { done.set_value(); });
    done.get_future().wait();
}

UpstreamCounters& WorkerTest::counters() {
    settle();
    return stats_->worker(0);
}

const WorkerCounters& WorkerTest::worker_counters() {
    settle();
    return worker_->counters();
}

size_t WorkerTest::buffer_bytes() {
    std::promise<size_t> bytes;
    worker_->run([&](WorkerContext& context) { bytes.set_value(context.buffers.bytes_out()); });
    return bytes.get_future().get();
}

std::shared_ptr<Host> WorkerTest::host(uint16_t port) {
    for (const auto& candidate : snapshot_->hosts) {
        if (candidate.host->address().port() == port) return candidate.host;
    }
    return nullptr;
}

void WorkerTest::cut_after(const Backend& backend, Milliseconds time) {
    const auto now = std::chrono::duration_cast<Milliseconds>(Clock::now().time_since_epoch());
    host(backend.port())->cut_after_ms = (now + time).count();
}

void WorkerTest::TearDown() {
    if (!worker_) return;
    EXPECT_TRUE(eventually([&] { return counters().active_connections.get() == 0; }))
        << counters().active_connections.get() << " exchanges and tunnels are counted as under way";
    EXPECT_TRUE(eventually([&] { return buffer_bytes() == 0; })) << buffer_bytes() << " bytes of buffers are out";
    worker_->abort();
    use_nothing();
    EXPECT_TRUE(eventually([&] { return worker_counters().sessions.get() == 0; })) << worker_counters().sessions.get();
    EXPECT_EQ(counters().idle_connections.get(), 0U);
    for (const auto& host : seen_) {
        EXPECT_EQ(host->active.load(), 0U) << host->id();
        EXPECT_TRUE(eventually([&] { return host->connections.load() == 0; })) << host->id();
    }
}

std::string with_length(std::string_view method, std::string_view body, std::string_view fields) {
    return std::string(method) + " / HTTP/1.1\r\nHost: web\r\n" + std::string(fields) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace steelyard::test
