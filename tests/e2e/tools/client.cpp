#include "tests/e2e/tools/client.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace steelyard::e2e {
namespace {

// The value of the header line `name` in `head`, or nothing. Names are matched without regard to case (RFC 9110 section 5.1).
std::optional<std::string_view> header(std::string_view head, std::string_view name) {
    for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
        const auto line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
        if (line.size() > name.size() && line[name.size()] == ':' &&
            strncasecmp(line.data(), name.data(), name.size()) == 0) {
            const auto first = line.find_first_not_of(" \t", name.size() + 1);
            return first == std::string_view::npos ? std::string_view{} : line.substr(first);
        }
    }
    return std::nullopt;
}

bool equals(std::string_view left, std::string_view right) {
    return left.size() == right.size() && strncasecmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace

std::optional<Url> parse_url(const std::string& text) {
    constexpr std::string_view scheme = "http://";
    if (!text.starts_with(scheme)) {
        return std::nullopt;
    }
    auto url = Url{.host = text.substr(scheme.size()), .port = "80", .path = "/"};
    if (const auto slash = url.host.find('/'); slash != std::string::npos) {
        url.path = url.host.substr(slash);
        url.host.resize(slash);
    }
    if (const auto colon = url.host.find(':'); colon != std::string::npos) {
        url.port = url.host.substr(colon + 1);
        url.host.resize(colon);
    }
    return url.host.empty() || url.port.empty() ? std::nullopt : std::optional{url};
}

std::optional<sockaddr_in> resolve(const Url& url) {
    auto hints = addrinfo{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found) != 0 || found == nullptr) {
        return std::nullopt;
    }
    const auto address = *reinterpret_cast<const sockaddr_in*>(found->ai_addr);
    freeaddrinfo(found);
    return address;
}

Client::Client(Url url, sockaddr_in address, std::chrono::milliseconds timeout)
    : address_{address},
      timeout_{timeout},
      request_{"GET " + url.path + " HTTP/1.1\r\nHost: " + url.host + "\r\n\r\n"} {}

Client::~Client() { close(); }

void Client::close() {
    if (socket_ >= 0) {
        (void)::close(socket_);
        socket_ = -1;
    }
    input_.clear();
}

bool Client::connect() {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto milliseconds = timeout_.count();
    const auto limit = timeval{milliseconds / 1000, (milliseconds % 1000) * 1000};
    const int on = 1;
    (void)setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    (void)setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return ::connect(socket_, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0;
}

void Client::drop_if_closed() {
    char byte{};
    if (socket_ >= 0 && recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) {
        close();  // the peer has ended it, or speaks out of turn
    } else if (socket_ >= 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        close();
    }
}

Answer Client::get() {
    drop_if_closed();
    if (socket_ < 0 && !connect()) {
        const bool late = errno == EINPROGRESS || errno == EAGAIN || errno == ETIMEDOUT;
        close();
        return {.status = 0, .name = {}, .failure = late ? "connect-timeout" : "connect"};
    }
    if (send(socket_, request_.data(), request_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request_.size())) {
        close();
        return {.status = 0, .name = {}, .failure = "send"};
    }
    auto answer = read_answer();
    if (!answer.failure.empty()) {
        close();
    }
    return answer;
}

bool Client::fill(std::string& failure) {
    std::array<char, 16384> buffer;
    const auto got = recv(socket_, buffer.data(), buffer.size(), 0);
    if (got > 0) {
        input_.append(buffer.data(), static_cast<std::size_t>(got));
        return true;
    }
    failure = got == 0 ? "closed" : errno == EAGAIN || errno == EWOULDBLOCK ? "timeout" : "receive";
    return false;
}

Answer Client::read_answer() {
    Answer answer;
    std::size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
        if (!fill(answer.failure)) {
            return answer;
        }
    }
    const auto head = std::string_view{input_}.substr(0, end + 2);
    const auto length_text = header(head, "content-length");
    if (!head.starts_with("HTTP/1.") || head.size() < 12 || !length_text) {
        answer.failure = "malformed";
        return answer;
    }
    answer.status = std::atoi(head.data() + 9);
    const auto last = equals(header(head, "connection").value_or(""), "close");
    const auto backend = std::string{header(head, "x-backend").value_or("")};
    const auto length = static_cast<std::size_t>(std::strtoul(length_text->data(), nullptr, 10));
    while (input_.size() < end + 4 + length) {
        if (!fill(answer.failure)) {
            return answer;
        }
    }
    const auto body = std::string_view{input_}.substr(end + 4, length);
    answer.name = backend.empty() ? std::string{body.substr(0, body.find_first_of(" \t\r\n"))} : backend;
    input_.erase(0, end + 4 + length);
    if (last) {
        close();
    }
    return answer;
}

}  // namespace steelyard::e2e
