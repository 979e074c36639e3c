#include "sidecar/cache/http_date.hpp"

#include <array>
#include <chrono>

namespace steelyard::cache {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 7> kLongDays{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};

// Takes one part after the other off the text; once one does not fit, nothing does.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    void literal(std::string_view wanted) {
        good_ = good_ && text_.starts_with(wanted);
        if (good_) text_.remove_prefix(wanted.size());
    }
    int number(size_t digits) {
        if (text_.size() < digits) good_ = false;
        int value = 0;
        for (size_t i = 0; good_ && i < digits; ++i) {
            const char c = text_[i];
            if (c < '0' || c > '9') good_ = false;
            value = value * 10 + (c - '0');
        }
        if (good_) text_.remove_prefix(digits);
        return value;
    }
    // The position of the name that stands here.
    template <size_t N>
    int one_of(const std::array<std::string_view, N>& names) {
        for (size_t i = 0; good_ && i < N; ++i) {
            if (!text_.starts_with(names[i])) continue;
            text_.remove_prefix(names[i].size());
            return static_cast<int>(i);
        }
        good_ = false;
        return 0;
    }
    bool next_is(char c) const { return good_ && !text_.empty() && text_.front() == c; }
    bool done() const { return good_ && text_.empty(); }

private:
    std::string_view text_;
    bool good_ = true;
};

struct Moment {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

void read_time(Reader& reader, Moment& m) {
    m.hour = reader.number(2);
    reader.literal(":");
    m.minute = reader.number(2);
    reader.literal(":");
    m.second = reader.number(2);
}

std::optional<int64_t> seconds_of(const Moment& m) {
    using namespace std::chrono;
    const year_month_day date{year(m.year), month(static_cast<unsigned>(m.month) + 1),
                              day(static_cast<unsigned>(m.day))};
    if (!date.ok() || m.hour > 23 || m.minute > 59 || m.second > 60) return std::nullopt;
    const int64_t days = sys_days(date).time_since_epoch().count();
    return days * 86'400 + m.hour * 3600 + m.minute * 60 + m.second;
}

std::optional<int64_t> parse_fixdate(std::string_view text) {
    Reader reader(text);
    Moment m;
    reader.one_of(kDays);
    reader.literal(", ");
    m.day = reader.number(2);
    reader.literal(" ");
    m.month = reader.one_of(kMonths);
    reader.literal(" ");
    m.year = reader.number(4);
    reader.literal(" ");
    read_time(reader, m);
    reader.literal(" GMT");
    return reader.done() ? seconds_of(m) : std::nullopt;
}

std::optional<int64_t> parse_rfc850(std::string_view text, int64_t now) {
    using namespace std::chrono;
    Reader reader(text);
    Moment m;
    reader.one_of(kLongDays);
    reader.literal(", ");
    m.day = reader.number(2);
    reader.literal("-");
    m.month = reader.one_of(kMonths);
    reader.literal("-");
    const int short_year = reader.number(2);
    reader.literal(" ");
    read_time(reader, m);
    reader.literal(" GMT");
    if (!reader.done()) return std::nullopt;
    const int this_year = static_cast<int>(year_month_day(floor<days>(sys_seconds(seconds(now)))).year());
    m.year = this_year / 100 * 100 + short_year;
    if (m.year > this_year + 50) m.year -= 100;
    return seconds_of(m);
}

std::optional<int64_t> parse_asctime(std::string_view text) {
    Reader reader(text);
    Moment m;
    reader.one_of(kDays);
    reader.literal(" ");
    m.month = reader.one_of(kMonths);
    reader.literal(" ");
    if (reader.next_is(' ')) {
        reader.literal(" ");
        m.day = reader.number(1);
    } else {
        m.day = reader.number(2);
    }
    reader.literal(" ");
    read_time(reader, m);
    reader.literal(" ");
    m.year = reader.number(4);
    return reader.done() ? seconds_of(m) : std::nullopt;
}

}  // namespace

std::optional<int64_t> parse_http_date(std::string_view text, int64_t now) {
    if (text.size() < 4) return std::nullopt;
    if (text[3] == ',') return parse_fixdate(text);
    return text[3] == ' ' ? parse_asctime(text) : parse_rfc850(text, now);
}

}  // namespace steelyard::cache
