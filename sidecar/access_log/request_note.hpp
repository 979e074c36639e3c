#pragma once
// What a line will say of a request and its head does not outlive: copied when the request begins, as far as the format wants
// it, given back when its line is written. Handed out by a worker's log; one thread.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sidecar/access_log/record.hpp"
#include "sidecar/http/message.hpp"

namespace steelyard::access_log {

class Format;

// The front of a text: one byte more than a line shows, so that it is seen to have been longer.
template <size_t Limit>
class Kept {
public:
    void clear() { size_ = 0; }
    void set(std::string_view text) {
        size_ = static_cast<uint16_t>(std::min(text.size(), bytes_.size()));
        if (size_ != 0) std::memcpy(bytes_.data(), text.data(), size_);
    }
    std::string_view view() const { return {bytes_.data(), size_}; }

private:
    uint16_t size_ = 0;
    std::array<char, Limit + 1> bytes_;
};

class RequestNote {
public:
    // Forgets what it held.
    void begin(const http::RequestHead& head, const Format& format);
    void set_endpoint(std::string_view id) { endpoint_.set(id); }
    void set_real_ip(std::string_view ip) { real_ip_.set(ip); }
    // The one that takes the place of what came.
    void set_request_id(std::string_view id) { request_id_.set(id); }
    void fill(Record& record) const;

private:
    void take_fields(const http::RequestHead& head);

    uint8_t minor_version_ = 1;
    Kept<46> real_ip_;
    Kept<64> endpoint_;
    Kept<32> method_;
    Kept<1024> path_;
    Kept<256> host_;
    Kept<256> user_agent_;
    Kept<512> referer_;
    Kept<128> request_id_;
};

}  // namespace steelyard::access_log
