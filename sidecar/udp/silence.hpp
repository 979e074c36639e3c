#pragma once
// What it means when the host of a UDP session says nothing: nobody refuses where a node has gone, and datagrams that nobody answers are all
// there is to notice.
//
// A host is gone when it has spoken to nobody for as long as datagrams of this session wait (a second, or three times the longest such wait
// that it ever ended by itself, at most half a minute), and since it last spoke its sessions together have sent it three or more. But only
// a host that spoke within the last five minutes: one that never answers, as of syslog or statsd, is silent when it is well. Of such a host
// five seconds in which nothing was refused are as good as an answer.
//
// One a session, on its worker's thread; what sessions know together is in the Host, in a few atomics without locks. Two workers may count
// a datagram too many or lose one. No allocation, no clock. Times are steady milliseconds.
#include <cstdint>

#include "sidecar/upstream/host.hpp"

namespace steelyard {

class UdpSilence {
public:
    static constexpr uint32_t kDatagrams = 3;
    static constexpr int64_t kLeastPatienceMs = 1'000;
    static constexpr int64_t kMostPatienceMs = 30'000;
    static constexpr int64_t kPatienceInWaits = 3;
    static constexpr int64_t kAnswersMs = 300'000;  // a host that spoke within this time is one that answers
    static constexpr int64_t kUnrefusedMs = 5'000;  // longer than a node on the same network needs to be found missing

    enum class Verdict : uint8_t {
        none,  // nothing new is known
        well,  // for a host that answers nobody
        gone,
    };

    // Another host, or the same anew.
    void begin() { sent_ = told_ = judged_at_ = 0; }
    // So many datagrams went to the host, at least one.
    void sent(uint32_t datagrams, int64_t now_ms) {
        if (sent_ == 0) since_ms_ = judged_ms_ = now_ms;
        sent_ += datagrams;
    }
    // The host spoke to this session.
    void answered(Host& host, int64_t now_ms);
    // Now and then. `gone` comes again when more was sent in vain, once in each time of patience.
    Verdict judge(Host& host, int64_t now_ms);

private:
    int64_t since_ms_ = 0;    // the first of those that nobody answered
    int64_t judged_ms_ = 0;   // the same, or the last verdict
    uint32_t sent_ = 0;       // in vain
    uint32_t told_ = 0;       // of these, counted in the host
    uint32_t judged_at_ = 0;  // as many were sent at the last verdict
};

}  // namespace steelyard
