#pragma once
// One request and its answer: picks a host, sends the rewritten request, passes the answer back, both bodies streamed through one
// buffer each. Tries another host when a connect fails, or when a host breaks off before its answer and the request may be sent again
// (RFC 9110 section 9.2.2) and is still in our hands.
//
// For such a request an answer with a Content-Length that fits its buffer is held until it is whole: nothing of it goes to the
// client before, so that a host that dies between its head and its body costs no request either. An answer that comes in one
// piece, as most do, is not delayed by this; one that cannot be sent again, is chunked, long or ends with the connection
// streams.
#include <cstdint>
#include <memory>

#include "sidecar/http/body.hpp"
#include "sidecar/http/message.hpp"
#include "sidecar/http/networks.hpp"
#include "sidecar/reactor/buffer_pool.hpp"
#include "sidecar/reactor/channel.hpp"
#include "sidecar/session/worker_context.hpp"
#include "sidecar/upstream/worker_upstream.hpp"

namespace steelyard::access_log {
class ConnectionNote;
class RequestNote;
}  // namespace steelyard::access_log

namespace steelyard::cache {
class Stored;
}

namespace steelyard::http {

class ClientConnection;
struct Content;
struct ContentChange;
class Edits;
struct Rules;

class Exchange final : private Channel::Owner {
public:
    explicit Exchange(ClientConnection& client);
    ~Exchange() override;
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    // Takes a parsed head, whose `head_bytes` are still at the front of the client's input. drive() follows.
    void begin(const RequestHead& head, uint32_t head_bytes);
    // Moves whatever can move; ends in a call of the client's exchange_* when it is over.
    void drive();
    void on_sweep(TimePoint now);
    bool active() const { return phase_ != Phase::done; }
    bool connecting() const { return phase_ == Phase::connecting; }
    // Of who asked: the peer, or whom a trusted peer names. Known from begin() on, and for the exchange's life.
    std::string_view client_ip() const;

private:
    enum class Phase : uint8_t { connecting, exchanging, done };
    // held: the head and a part of the body are here, nothing of them is sent. switching: a 101 is on its way to the client.
    enum class Reply : uint8_t { awaited, held, streaming, switching, local };
    // parting: the client said that this was its last request, and all of it was read.
    enum class Outcome : uint8_t { none, keep, close, parting, broken, upgraded };
    static constexpr uint8_t kMaxTries = 4;
    static constexpr uint8_t kMaxInterims = 100;  // 1xx heads of one host before its answer

    void on_channel(Channel&) override { drive(); }
    void progress();
    void report();

    // exchange.cpp: hosts, tries, endings
    void try_next_host();
    void on_connect_failed(HostFault fault);

    Channel::Status connect();
    bool introduce();
    config::ProxyProtocol header_version() const;
    void on_upstream_lost();
    void drop_upstream(bool abort);
    void answer(uint16_t status, std::string_view detail, Failure failure);
    void cut(Failure failure);
    void complete();
    void end(Outcome outcome);
    void count(Failure failure) {
        failure_ = failure;
        upstream_counters_->failures[static_cast<size_t>(failure)].add();
    }
    // The upstream's own, or the process's.
    struct Limits {
        Milliseconds connect, response_head, stream_idle;
    };
    Limits limits() const;
    void touch(Milliseconds timeout) { deadline_ = worker_.reactor.now() + timeout; }

    // exchange_local.cpp: answers of our own
    const Rules* rules() const;  // null: the policy changes nothing
    const Edits* response_edits() const;
    bool answer_locally(const RequestHead& head);
    void redirect(const RequestHead& head, const Rules& active);
    void answer_as_last_hop();
    void append_error(uint16_t status, std::string_view detail);
    bool drain_request();

    // exchange_request.cpp: from the client to the host
    void learn_client(const RequestHead& head);
    bool write_head(const RequestHead& head);
    void pump_request();
    bool send_request();
    bool read_request_body();

    // exchange_response.cpp: from the host to the client
    void pump_response();
    bool read_response();
    bool read_response_head();
    bool take_response_head(const ResponseHead& head);
    bool append_reply_head(const ResponseHead& head, bool upgraded, const ContentChange* content = nullptr);
    bool send_response();
    void forget_request();
    bool may_hold() const;
    bool read_held_body();
    bool read_response_body();
    void accept_response_body();
    void upgrade();

    // exchange_content.cpp: only for a policy that does more with content than pass it on
    void begin_content(const RequestHead& head);
    void end_content();
    ContentChange judge_content(const ResponseHead& head);
    void forget_content();
    void judge_compression(const ResponseHead& head, ContentChange& change);
    bool encode();
    bool send_detour();
    void flush_encoded();

    // exchange_cache.cpp: only for a policy with a cache
    void begin_cache(const RequestHead& head);
    bool answer_from_cache();
    bool serve(std::shared_ptr<const cache::Stored> stored, std::string_view status);
    bool serve_on_error();
    bool answer_validated(const ResponseHead& head);
    void judge_storage(const ResponseHead& head, ContentChange& change);
    void invalidate(const ResponseHead& head);
    bool begin_draft(const ResponseHead& head);
    void record(std::string_view data);
    size_t record_body(std::string_view input);
    void keep_recorded();
    void stop_recording();

    // exchange_sweep.cpp
    bool host_is_silent(TimePoint now) const;
    void leave_silent_host();

    // exchange_log.cpp: only while there is an access log
    void write_log(std::string_view failure);
    std::unique_ptr<access_log::ConnectionNote> pass_on_note();

    ClientConnection& client_;
    WorkerContext& worker_;
    UpstreamCounters* upstream_counters_;

    UpstreamConnection* upstream_ = nullptr;
    HostLease lease_;
    TriedHosts tried_;
    uint64_t hash_ = 0;
    IpText behind_;  // who asked, when a trusted peer names them; else empty

    Buffer request_;  // the rewritten head, kept whole until the answer is on its way
    uint32_t head_sent_ = 0;
    uint32_t body_held_ = 0;  // bytes of this request's body at the front of the client's input
    uint32_t body_sent_ = 0;  // of these, already sent
    BodyTracker request_body_;

    Buffer reply_head_;            // heads to the client: interim ones, then the final one
    Buffer response_;              // as read from the host
    uint32_t response_ready_ = 0;  // body bytes at the front of response_, to be sent
    uint32_t scanned_ = 0;
    BodyTracker response_body_;

    std::unique_ptr<Content> content_;         // null: the content is passed on
    access_log::RequestNote* note_ = nullptr;  // null: nothing is logged
    uint64_t bytes_in_ = 0;                    // from and to the client, heads included
    uint64_t bytes_out_ = 0;
    TimePoint answered_;  // the head of the host's final answer
    TimePoint started_;
    TimePoint deadline_;
    Limits timeouts_{};
    uint16_t status_ = 0;
    Failure failure_ = Failure::kCount;  // kCount: none so far
    uint8_t tries_ = 0;
    uint8_t interims_ = 0;
    TimePoint picked_;  // the turn in which this try's connection was taken
    Method method_ = Method::other;
    uint8_t client_minor_version_ = 1;
    Phase phase_ = Phase::done;
    Reply reply_ = Reply::awaited;
    Outcome outcome_ = Outcome::none;
    bool client_keep_alive_ = true;
    bool wants_upgrade_ = false;
    bool request_done_ = false;    // sent whole
    bool request_failed_ = false;  // the host takes no more of it; its answer may be there all the same
    bool replayable_ = true;       // every byte sent so far is still held
    bool host_lost_ = false;       // a host broke off before its answer
    bool silence_noted_ = false;   // of the host that has it now
    bool need_more_ = false;       // what is in response_ is no whole head yet
    bool upstream_keep_alive_ = false;
    bool spoilt_ = false;  // an interim answer claims a body: what follows on this connection may be that
    bool close_client_ = false;
    bool dechunk_ = false;           // towards an HTTP/1.0 client
    bool fresh_connection_ = false;  // a pooled one was dead: do not try another pooled one
    bool detour_ = false;            // the body does not go straight from response_: it is encoded, or the cache's
    bool encoding_ = false;          // goes through content_'s encoder
    bool recording_ = false;         // what is read of the body also goes into content_'s draft
    bool bulk_request_ = false;      // a read has filled its block: larger ones are worth it
    bool bulk_response_ = false;
    bool driving_ = false;
};

}  // namespace steelyard::http
