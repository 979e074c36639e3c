#pragma once
// What rewriting a request and a response share: a bounded writer, copying field lines in runs, and the fields that
// Connection names. Private to this folder.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "sidecar/http/message.hpp"
#include "sidecar/http/scan.hpp"

namespace steelyard::http {

// Appends to a caller's buffer. Once something did not fit, nothing more is written and size() is 0.
class Writer {
public:
    explicit Writer(std::span<char> out) : begin_(out.data()), p_(out.data()), end_(out.data() + out.size()) {}

    void put(std::string_view text) {
        if (static_cast<size_t>(end_ - p_) < text.size()) return overflow();
        if (!text.empty()) std::memcpy(p_, text.data(), text.size());
        p_ += text.size();
    }
    template <size_t N>
    void put(const char (&literal)[N]) {  // the size is known: a few plain stores
        if (static_cast<size_t>(end_ - p_) < N - 1) return overflow();
        std::memcpy(p_, literal, N - 1);
        p_ += N - 1;
    }
    void put_number(uint64_t number);
    size_t size() const { return fits_ ? static_cast<size_t>(p_ - begin_) : 0; }

private:
    void overflow() {
        fits_ = false;
        end_ = p_;
    }

    char* begin_;
    char* p_;
    char* end_;
    bool fits_ = true;
};

// Copies field lines. Neighbours that stand in the input exactly as they would be written ("Name: value" CRLF) are
// one copy.
class FieldCopier {
public:
    explicit FieldCopier(Writer& writer) : writer_(writer) {}

    void add(const Header& field) {
        const char* const name_end = field.name.data() + field.name.size();
        const char* const value_end = field.value.data() + field.value.size();
        const bool as_written = field.value.data() == name_end + 2 && name_end[1] == ' ';
        if (as_written && continues_run(field)) {
            run_end_ = value_end;
            return;
        }
        flush();
        if (as_written) {
            run_begin_ = field.name.data();
            run_end_ = value_end;
        } else {
            writer_.put(field.name);
            writer_.put(": ");
            writer_.put(field.value);
            writer_.put("\r\n");
        }
    }

    void flush() {
        if (run_begin_ == nullptr) return;
        writer_.put({run_begin_, static_cast<size_t>(run_end_ - run_begin_)});
        writer_.put("\r\n");
        run_begin_ = nullptr;
    }

private:
    bool continues_run(const Header& field) const {
        return run_begin_ != nullptr && field.name.data() == run_end_ + 2 && run_end_[0] == '\r' && run_end_[1] == '\n';
    }

    Writer& writer_;
    const char* run_begin_ = nullptr;
    const char* run_end_ = nullptr;
};

constexpr uint32_t bit(HeaderId id) { return 1U << static_cast<unsigned>(id); }

// Never passed on as they came.
constexpr uint32_t kHopByHop = bit(HeaderId::connection) | bit(HeaderId::keep_alive) | bit(HeaderId::proxy_connection) |
                               bit(HeaderId::proxy_authenticate) | bit(HeaderId::proxy_authorization) |
                               bit(HeaderId::transfer_encoding) | bit(HeaderId::te);

// Which fields go on: not those of the `dropped` kinds, nor those that Connection names. Of the known kinds
// Connection can only take Trailer away, and those that are not protected: the others are the proxy's own business, or
// are dropped already.
class FieldFilter {
public:
    FieldFilter(const HeaderList& headers, uint32_t dropped);

    bool keeps(const Header& field) const {
        if ((dropped_ >> static_cast<unsigned>(field.id) & 1U) != 0) return false;
        return !nominates_ || !is_nominated(field);
    }

private:
    bool is_nominated(const Header& field) const;

    const HeaderList& headers_;
    uint32_t dropped_;
    bool nominates_ = false;  // Connection names something else than the options that every peer sends
};

}  // namespace steelyard::http
