#pragma once
// What a connection needs of the worker it lives on. One a worker; everything in it belongs to that worker's thread.
#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "common/clock.hpp"
#include "sidecar/compress/encoder_pool.hpp"
#include "sidecar/http/content.hpp"
#include "sidecar/http/forwarding.hpp"
#include "sidecar/http/message.hpp"
#include "sidecar/http/parser.hpp"
#include "sidecar/http/trace.hpp"
#include "sidecar/proxy_protocol/header.hpp"
#include "sidecar/reactor/buffer_pool.hpp"
#include "sidecar/reactor/pipe_pool.hpp"
#include "sidecar/reactor/reactor.hpp"
#include "sidecar/session/session.hpp"
#include "sidecar/upstream/counters.hpp"

namespace steelyard {

namespace access_log {
class WorkerLog;
}

// How long a connection may keep others waiting. None is unbounded. They are looked at about twice a second.
struct Timeouts {
    Milliseconds connect{2'000};          // one try to reach one host
    Milliseconds request_head{10'000};    // from a request's first byte to the end of its head
    Milliseconds client_idle{75'000};     // between two requests
    Milliseconds response_head{60'000};   // from the request's last byte to the answer's head
    Milliseconds stream_idle{60'000};     // no byte of a body in either direction
    Milliseconds tunnel_idle{3'600'000};  // no byte over a TCP or upgraded connection in either direction
    Milliseconds udp_idle{60'000};        // no datagram of a UDP session in either direction
    // Captured connections: the wait for an upstream to be built, then a connection to where one that nothing is known of was
    // going, and that one's silence (what kube-proxy sets for established connections in conntrack).
    Milliseconds capture_wait{2'000};
    Milliseconds passthrough_connect{10'000};
    Milliseconds passthrough_idle{86'400'000};
    Milliseconds linger{2'000};  // reading on after an answer that ends the connection
};

constexpr size_t kFaults = static_cast<size_t>(http::Fault::trailer_too_large) + 1;

// One worker's figures that belong to no upstream.
struct alignas(64) WorkerCounters {
    Counter accepted;
    Counter refused_limit;   // over --max-connections
    Counter accept_errors;   // out of file descriptors or memory
    Counter refused_source;  // of an address that the listener's source_ranges do not have
    Counter address_lost;    // connections to hosts that should have come from the client's address, and did not
    Counter sessions;        // a gauge
    Counter udp_sessions;    // a gauge; not among the former
    Counter http_requests;
    std::array<Counter, kFaults> faults;  // malformed requests, by http::Fault
    Counter timeouts;                     // clients that were too slow
    Counter proxy_headers;                // PROXY headers taken
    std::array<Counter, static_cast<size_t>(proxy_protocol::Fault::kCount)> proxy_faults;  // and not
    // Captured connections, by what became of them.
    Counter capture_balanced;
    Counter capture_passthrough;
    Counter capture_refused;       // not redirected by anybody, or our own
    Counter capture_waiting;       // a gauge: for their upstream to be built
    Counter passthrough_failures;  // of those passed through: the destination did not take them
};

struct WorkerContext {
    Reactor reactor;
    BufferPool buffers;
    PipePool pipes;
    compress::EncoderPool encoders;
    http::ContentPool contents;
    Timeouts timeouts;
    http::Limits limits;
    http::ForwardingOptions forwarding;
    http::RandomIds ids;
    WorkerCounters counters;
    bool draining = false;
    // Listeners whose address is another node's now: answers end their connections. Null: none.
    std::shared_ptr<const std::set<std::string>> leaving;
    access_log::WorkerLog* access_log = nullptr;  // null: there is none

    // Scratch heads: parsed and rewritten within one turn, so one of each is enough.
    http::RequestHead request_head;
    http::ResponseHead response_head;

    SessionTable sessions{reactor};  // last: sessions use all of the above until they are gone
};

}  // namespace steelyard
