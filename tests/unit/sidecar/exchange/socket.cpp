#include "tests/unit/sidecar/exchange/socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <thread>

namespace steelyard::test {
namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

bool wait(int fd, short events) {
    pollfd watched{fd, events, 0};
    return ::poll(&watched, 1, static_cast<int>(kPatience.count())) == 1;
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline) return condition();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

int Message::status() const {
    return complete && start.size() >= 12 && start.starts_with("HTTP/1.1 ") ? std::stoi(start.substr(9, 3)) : 0;
}

std::string Message::field(const std::string& name) const {
    return fields.count(name) == 1 ? fields.find(name)->second : std::string();
}

Socket Socket::connect(uint16_t port, int receive_buffer) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer != 0) setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) fd.reset();
    return Socket(std::move(fd));
}

bool Socket::send(std::string_view bytes) {
    while (!bytes.empty()) {
        if (!wait(fd_.get(), POLLOUT)) return false;
        const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) continue;
        if (n < 0) return false;
        bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
}

bool Socket::fill() {
    if (end_ != End::open) return false;
    if (!wait(fd_.get(), POLLIN)) {
        end_ = End::timeout;
        return false;
    }
    char chunk[65536];
    const ssize_t n = ::recv(fd_.get(), chunk, sizeof(chunk), MSG_DONTWAIT);
    if (n > 0) {
        pending_.append(chunk, static_cast<size_t>(n));
        return true;
    }
    end_ = n == 0 ? End::fin : End::reset;
    return false;
}

std::string Socket::read_until(std::string_view end) {
    size_t found;
    while ((found = pending_.find(end)) == std::string::npos) {
        if (!fill()) return {};
    }
    std::string result = pending_.substr(0, found + end.size());
    pending_.erase(0, result.size());
    return result;
}

std::string Socket::read(size_t n) {
    while (pending_.size() < n && fill()) {}
    std::string result = pending_.substr(0, n);
    pending_.erase(0, result.size());
    return result;
}

std::string Socket::read_to_end() {
    while (fill()) {}
    return std::exchange(pending_, {});
}

std::string Socket::read_some() {
    if (pending_.empty()) fill();
    return std::exchange(pending_, {});
}

Socket::End Socket::wait_end() {
    while (fill()) {}
    return end_;
}

bool Socket::read_chunked(std::string& body) {
    while (true) {
        const std::string line = read_until("\r\n");
        if (line.empty()) return false;
        const size_t size = std::stoul(line, nullptr, 16);
        if (size == 0) break;
        const std::string chunk = read(size + 2);
        if (chunk.size() != size + 2 || !chunk.ends_with("\r\n")) return false;
        body.append(chunk, 0, size);
    }
    std::string line;
    do {
        line = read_until("\r\n");
    } while (line.size() > 2);
    return !line.empty();
}

Message Socket::read_message(bool request, std::string_view method) {
    Message message;
    message.head = read_until("\r\n\r\n");
    if (message.head.empty()) return message;
    size_t at = message.head.find("\r\n");
    message.start = message.head.substr(0, at);
    for (at += 2; at + 2 < message.head.size();) {
        const size_t end = message.head.find("\r\n", at);
        const size_t colon = message.head.find(": ", at);
        message.fields.emplace(lower(message.head.substr(at, colon - at)),
                               message.head.substr(colon + 2, end - colon - 2));
        at = end + 2;
    }
    const int status = request ? 0 : std::stoi(message.start.substr(9, 3));
    if (!request && (method == "HEAD" || status < 200 || status == 204 || status == 304)) {
        message.complete = true;
    } else if (message.field("transfer-encoding") == "chunked") {
        message.complete = read_chunked(message.body);
    } else if (const std::string length = message.field("content-length"); !length.empty()) {
        message.body = read(std::stoul(length));
        message.complete = message.body.size() == std::stoul(length);
    } else if (request) {
        message.complete = true;
    } else {
        message.body = read_to_end();
        message.complete = end_ == End::fin;
    }
    return message;
}

Message Socket::read_request() { return read_message(true, {}); }
Message Socket::read_response(std::string_view method) { return read_message(false, method); }

Message Socket::request(std::string_view text, std::string_view method) {
    if (!send(text)) return {};
    return read_response(method);
}

void Socket::shutdown_write() { ::shutdown(fd_.get(), SHUT_WR); }

void Socket::reset() {
    const linger now{1, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    fd_.reset();
}

}  // namespace steelyard::test
