#include "common/json/read.hpp"

namespace steelyard {

bool nests_deeper(std::string_view text, size_t most) {
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                quoted = false;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > most) return true;
        } else if ((c == '}' || c == ']') && depth != 0) {
            --depth;
        }
    }
    return false;
}

}  // namespace steelyard
