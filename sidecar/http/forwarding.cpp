#include "sidecar/http/forwarding.hpp"

#include "sidecar/http/scan.hpp"

namespace steelyard::http {
namespace {

// From the right: true while the search goes on.
class Search {
public:
    explicit Search(const Networks& trusted) : trusted_(trusted) {}

    bool take(const std::optional<IpBytes>& hop) {
        if (!hop || hops_++ == kMostHops) return false;
        client_ = hop;
        return trusted_.contains(*hop);
    }
    std::optional<IpBytes> client() const { return client_; }

private:
    const Networks& trusted_;
    std::optional<IpBytes> client_;
    size_t hops_ = 0;
};

// Takes the last element off a comma-separated list.
std::string_view last_element(std::string_view& list) {
    const size_t comma = list.rfind(',');
    const std::string_view element = scan::trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
    return element;
}

std::optional<IpBytes> behind_forwarded_for(const HeaderList& headers, const Networks& trusted) {
    Search search(trusted);
    for (const Header* field = headers.end(); field-- != headers.begin();) {
        if (field->id != HeaderId::x_forwarded_for) continue;
        for (std::string_view list = field->value; !list.empty();) {
            const std::string_view element = last_element(list);
            if (element.empty()) continue;  // RFC 9110 section 5.6.1.2: empty elements are ignored
            if (!search.take(parse_node(element))) return search.client();
        }
    }
    return search.client();
}

// Quoted strings may hold commas, so that a list can only be read from the left: the last hops are kept. A malformed field ends
// the search as what is not an address does, since nobody knows where its hops begin.
std::optional<IpBytes> behind_forwarded(const HeaderList& headers, const Networks& trusted) {
    Search search(trusted);
    for (const Header* field = headers.end(); field-- != headers.begin();) {
        if (field->id != HeaderId::forwarded || field->value.empty()) continue;
        std::array<ForwardedReader::Hop, kMostHops> hops;
        size_t count = 0;
        ForwardedReader reader(field->value);
        while (const auto hop = reader.next()) hops[count++ % kMostHops] = *hop;
        if (reader.malformed()) return search.client();
        for (size_t back = 1; back <= count; ++back) {
            if (back > kMostHops || !search.take(hops[(count - back) % kMostHops].node)) return search.client();
        }
    }
    return search.client();
}

}  // namespace

std::optional<IpBytes> client_behind(const HeaderList& headers, const Networks& trusted) {
    if (headers.has(HeaderId::x_forwarded_for)) return behind_forwarded_for(headers, trusted);
    if (headers.has(HeaderId::forwarded)) return behind_forwarded(headers, trusted);
    return std::nullopt;
}

void ForwardedReader::skip_blanks() {
    while (!rest_.empty() && scan::is_blank(rest_.front())) rest_.remove_prefix(1);
}

std::optional<ForwardedReader::Hop> ForwardedReader::fail() {
    malformed_ = true;
    rest_ = {};
    return std::nullopt;
}

// forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] ), where blanks around ";" are common enough to be taken; an element without any pair is one of the list rule's empty ones.
std::optional<ForwardedReader::Hop> ForwardedReader::next() {
    while (true) {
        skip_blanks();
        if (rest_.empty()) return std::nullopt;
        Hop hop;
        bool has_for = false;
        bool has_pair = false;
        while (!rest_.empty() && rest_.front() != ',') {
            if (rest_.front() == ';') {
                rest_.remove_prefix(1);
                skip_blanks();
                continue;
            }
            if (!read_pair(hop, has_for)) return fail();
            has_pair = true;
            skip_blanks();
            if (!rest_.empty() && rest_.front() != ';' && rest_.front() != ',') return fail();
        }
        if (!rest_.empty()) rest_.remove_prefix(1);
        if (has_pair) return hop;
    }
}

// token "=" ( token / quoted-string )
bool ForwardedReader::read_pair(Hop& hop, bool& has_for) {
    const char* const begin = rest_.data();
    const char* const end = begin + rest_.size();
    const char* const p = scan::skip_by_table(begin, end, scan::kToken);
    if (p == begin || p == end || *p != '=') return false;
    const std::string_view name(begin, static_cast<size_t>(p - begin));
    rest_.remove_prefix(name.size() + 1);
    const auto value = read_value();
    if (!value) return false;
    if (!scan::equals_folded(name, "for")) return true;
    if (has_for) return false;  // each parameter once (RFC 7239 section 4)
    has_for = true;
    // A ":" or "[" does not fit into a token, so that whoever wrote an address of IPv6 has quoted it.
    hop.node = value->find('\\') == std::string_view::npos ? parse_node(*value) : std::nullopt;
    return true;
}

std::optional<std::string_view> ForwardedReader::read_value() {
    const char* const begin = rest_.data();
    const char* const end = begin + rest_.size();
    if (rest_.empty() || rest_.front() != '"') {
        const char* const p = scan::skip_by_table(begin, end, scan::kToken);
        if (p == begin) return std::nullopt;
        rest_.remove_prefix(static_cast<size_t>(p - begin));
        return std::string_view(begin, static_cast<size_t>(p - begin));
    }
    for (const char* p = begin + 1; p != end; ++p) {
        if (*p == '"') {
            rest_.remove_prefix(static_cast<size_t>(p - begin) + 1);
            return std::string_view(begin + 1, static_cast<size_t>(p - begin) - 1);
        }
        if (*p == '\\' && ++p == end) break;
    }
    return std::nullopt;
}

}  // namespace steelyard::http
