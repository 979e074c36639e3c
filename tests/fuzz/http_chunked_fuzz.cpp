// Chunked bodies. What must hold: however the body is cut, the same bytes are taken, the same data handed out and the
// same verdict given; nothing is taken behind the end; the data of a whole body, chunked anew, is read back as it
// was.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "sidecar/http/body.hpp"

namespace {

using namespace steelyard::http;

void require(bool holds) {
    if (!holds) std::abort();
}

struct Outcome {
    size_t taken = 0;
    bool done = false;
    Fault fault = Fault::none;
    std::string data;
    bool operator==(const Outcome&) const = default;
};

Outcome scan(std::string_view text, size_t step) {
    ChunkedScanner scanner;
    Outcome outcome;
    while (outcome.taken < text.size()) {
        const std::string_view piece = text.substr(outcome.taken, step);
        std::string_view data;
        const size_t taken = scanner.consume(piece, data);
        require(taken <= piece.size() && data.size() <= taken);
        outcome.data += data;
        outcome.taken += taken;
        if (taken == 0) break;
    }
    outcome.done = scanner.done();
    outcome.fault = scanner.fault();
    require(!(outcome.done && outcome.fault != Fault::none));
    require(outcome.done || outcome.fault != Fault::none || outcome.taken == text.size());
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    const auto bytes = std::make_unique<char[]>(size - 1);
    std::memcpy(bytes.get(), data + 1, size - 1);
    const std::string_view input(bytes.get(), size - 1);

    const Outcome whole = scan(input, input.size());
    require(scan(input, data[0] % 32U + 1) == whole);
    ChunkedScanner plain;
    require(plain.consume(input) == whole.taken);
    require(plain.done() == whole.done && plain.fault() == whole.fault);

    if (whole.done) {
        char line[32];
        std::string anew;
        if (!whole.data.empty()) {
            std::snprintf(line, sizeof line, "%zx\r\n", whole.data.size());
            anew = line + whole.data + "\r\n";
        }
        anew += "0\r\n\r\n";
        const Outcome again = scan(anew + "x", anew.size() + 1);
        require(again.done && again.taken == anew.size() && again.data == whole.data);
        require(scan(input.substr(0, whole.taken), whole.taken) == whole);
    }
    return 0;
}
