#include "tests/unit/sidecar/udp/udp_test.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "sidecar/udp/socket.hpp"

namespace steelyard::test {

Datagrams::Datagrams(const std::string& ip, uint16_t port) {
    const auto address = SocketAddress::parse(ip, port);
    fd_.reset(::socket(address->family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(fd_.get(), address->data(), address->size()), 0) << ip;
    port_ = bound_port(fd_);
}

void Datagrams::connect(const std::string& ip, uint16_t port) {
    const auto address = SocketAddress::parse(ip, port);
    EXPECT_EQ(::connect(fd_.get(), address->data(), address->size()), 0);
}

bool Datagrams::send(std::string_view bytes) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

bool Datagrams::send_to(std::string_view bytes, const SocketAddress& to) {
    return ::sendto(fd_.get(), bytes.data(), bytes.size(), 0, to.data(), to.size()) ==
           static_cast<ssize_t>(bytes.size());
}

std::optional<std::string> Datagrams::receive(std::chrono::milliseconds patience, SocketAddress* from) {
    pollfd ready{fd_.get(), POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(patience.count())) != 1) return std::nullopt;
    static thread_local std::array<char, 65'536> room;
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    const ssize_t n =
        ::recvfrom(fd_.get(), room.data(), room.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&storage), &size);
    if (n < 0) return std::nullopt;
    if (from != nullptr) *from = SocketAddress::from(storage);
    return std::string(room.data(), static_cast<size_t>(n));
}

std::string Datagrams::ask(std::string_view bytes) {
    if (!send(bytes)) return "(not sent)";
    return receive().value_or("(no answer)");
}

UdpEcho::UdpEcho(std::string name, uint16_t port)
    : name_(std::move(name)), socket_("127.0.0.1", port), port_(socket_.port()), thread_([this] {
          while (!over_) {
              SocketAddress from;
              const auto got = socket_.receive(std::chrono::milliseconds(20), &from);
              if (!got) continue;
              ++datagrams_;
              socket_.send_to(name_ + ":" + *got, from);
          }
      }) {}

UdpEcho::~UdpEcho() {
    over_ = true;
    thread_.join();
}

void UdpTest::start(const std::string& ip) {
    worker_ = std::make_unique<Worker>(0, options_);
    if (access_log_) worker_->set_access_log(access_log_->worker(0));
    auto socket = open_udp_listener(ip, 0);
    ASSERT_TRUE(socket) << socket.error().to_string();
    port_ = bound_port(*socket);
    worker_->add_udp_listener("test", std::move(*socket), upstream_.name);
    worker_->start();
}

void UdpTest::use(const std::vector<TestHost>& hosts) {
    if (!worker_) start();
    WorkerTest::use(hosts);
}

Datagrams UdpTest::asker(const std::string& ip) {
    Datagrams one(ip.find(':') != std::string::npos ? "::1" : "127.0.0.1");
    one.connect(ip, port_);
    ports_of_askers_.emplace_back(::fcntl(one.fd(), F_DUPFD_CLOEXEC, 0));
    return one;
}

void UdpTest::TearDown() {
    if (!worker_) return;
    worker_->abort();
    EXPECT_TRUE(eventually([&] { return udp().active.get() == 0; }));
    WorkerTest::TearDown();
    EXPECT_EQ(worker_counters().udp_sessions.get(), 0U);
}

uint16_t refused_udp_port() { return Datagrams().port(); }

}  // namespace steelyard::test
