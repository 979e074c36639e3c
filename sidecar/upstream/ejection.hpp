#pragma once
// Passive health: a host that failed several times in a row is passed over for a while, longer each time it fails again. What counts are
// connects refused, connections that broke before their answer, and answers that are no HTTP; one answer ends the row. A connect without
// any answer is enough by itself: it costs whoever waits for it the whole time-out, and most often the host's node has gone, which Kubernetes
// takes the better part of a minute to say.
//
// Ejection is advice: a host that nobody else can stand in for is used all the same (HostPicker), and of an upstream's hosts no more than a share is
// ejected at a time. When its time is over, one exchange tries the host while others still pass it over: an answer brings it back, a
// failure ejects it anew.
//
// Shared by all workers: a few atomics in the Host, without locks. Two workers may count a failure at once, and then eject a try too late.
// Times are steady milliseconds.
#include <cstdint>

#include "common/clock.hpp"

namespace steelyard {

class Host;
struct UpstreamSnapshot;

struct EjectionOptions {
    uint32_t after = 5;  // failures in a row; 0: nobody is ever ejected
    Milliseconds base{1'000};
    Milliseconds most{30'000};  // base doubles with each ejection in a row, up to this
    uint32_t max_percent = 50;  // of the hosts of an upstream, draining ones apart; one of two may be
};

bool is_ejected(const Host& host, int64_t now_ms);

enum class HostFault : uint8_t {
    refused,  // or broke off, or spoke nonsense: somebody is there
    silent,   // nobody answered the connect
};
HostFault fault_of_connect(int error);  // errno, or what SO_ERROR says

// The host failed. True: that ejects it, as one of `snapshot`.
bool note_failure(const UpstreamSnapshot& snapshot, Host& host, HostFault fault, const EjectionOptions& options,
                  int64_t now_ms);

// The host answered. Costs a read while it does well.
void note_answer(Host& host);

// The host was picked. One whose ejection is over is ejected again until this try has told; so others wait for it.
void begin_trial(Host& host, int64_t now_ms);

}  // namespace steelyard
