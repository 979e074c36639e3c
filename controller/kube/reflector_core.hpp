#pragma once
// Decides what a reflector does next: list (page by page), watch from where it was, wait. Fed with outcomes; never does
// I/O, never reads a clock. Rules (Kubernetes API concepts, "Efficient detection of changes"): a watch is resumed from
// the last resource version seen; 410 means that version or page is forgotten and everything is listed anew, at once if
// it is the first in a row; a watch that the server refuses three times in a row for any other reason is given up for a
// list too, since the version itself may be what it cannot serve (a restored etcd).
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "controller/kube/backoff.hpp"
#include "controller/kube/transport.hpp"

namespace steelyard::kube {

struct ReflectorTiming {
    Milliseconds backoff_base{100};
    Milliseconds backoff_limit{30'000};
    Milliseconds idle_limit{120'000};  // bookmarks come about every minute; a stream silent for longer is replaced
    Milliseconds steady_after{5'000};  // a watch that held so long ends the back-off
    int64_t page_size = 500;
    size_t page_bytes = 16u << 20;  // larger pages halve the page size, down to 10
    int64_t watch_seconds_min = 240;
    int64_t watch_seconds_max = 480;
};

class ReflectorCore {
public:
    struct List {
        std::string continue_token;  // empty: the first page
        int64_t limit;
    };
    struct Watch {
        std::string resource_version;
        int64_t timeout_seconds;  // for the server to end it; drawn anew each time
    };
    using Step = std::variant<List, Watch>;

    ReflectorCore(ReflectorTiming timing, Backoff::Random random);

    Step next();
    bool listing() const { return listing_; }

    // A page came. True: it was the last, the list is complete.
    bool on_page(const std::string& resource_version, const std::string& continue_token, size_t bytes);
    // An event or bookmark was delivered.
    void on_progress(std::string_view resource_version);
    // The server ended the watch in good order after `lived`. Returns how long to wait.
    Milliseconds on_watch_end(Milliseconds lived);
    // The step failed; `lived` is how long a watch had been open. Returns how long to wait before the next.
    Milliseconds on_error(const ApiError& error, Milliseconds lived);

private:
    void list_anew();
    void steady();
    void was_open(Milliseconds lived);

    const ReflectorTiming timing_;
    Backoff::Random random_;
    Backoff backoff_;
    bool listing_ = true;
    std::string continue_token_;
    std::string resource_version_;
    int64_t limit_;
    int refusals_ = 0;       // of this watch in a row
    bool was_gone_ = false;  // 410, and no progress since
};

}  // namespace steelyard::kube
