#include "sidecar/udp/silence.hpp"

#include <algorithm>

namespace steelyard {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

int64_t patience_ms(const Host& host) {
    return std::clamp(host.longest_wait_ms.load(kRelaxed) * UdpSilence::kPatienceInWaits, UdpSilence::kLeastPatienceMs,
                      UdpSilence::kMostPatienceMs);
}

}  // namespace

void UdpSilence::answered(Host& host, int64_t now_ms) {
    const int64_t last = host.spoke_ms.load(kRelaxed);
    if (sent_ != 0) {
        const int64_t wait = std::min(now_ms - std::max(since_ms_, last), kMostPatienceMs);
        if (wait > host.longest_wait_ms.load(kRelaxed)) host.longest_wait_ms.store(wait, kRelaxed);
    }
    if (last != now_ms) host.spoke_ms.store(now_ms, kRelaxed);
    if (host.unanswered.load(kRelaxed) != 0) host.unanswered.store(0, kRelaxed);
    begin();
}

UdpSilence::Verdict UdpSilence::judge(Host& host, int64_t now_ms) {
    if (sent_ == judged_at_) return Verdict::none;
    const int64_t last = host.spoke_ms.load(kRelaxed);
    if (last == 0 || now_ms - last >= kAnswersMs) {
        if (now_ms - since_ms_ < kUnrefusedMs) return Verdict::none;
        begin();
        return Verdict::well;
    }
    if (last >= since_ms_) {  // to somebody else: it is there
        begin();
        return Verdict::none;
    }
    if (now_ms - judged_ms_ < patience_ms(host)) return Verdict::none;
    const uint32_t more = sent_ - told_;
    told_ = sent_;
    if (host.unanswered.fetch_add(more, kRelaxed) + more < kDatagrams) return Verdict::none;
    judged_ms_ = now_ms;
    judged_at_ = sent_;
    return Verdict::gone;
}

}  // namespace steelyard
