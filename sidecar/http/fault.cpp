#include "sidecar/http/parser.hpp"

namespace steelyard::http {

std::string_view to_string(Fault fault) {
    switch (fault) {
        case Fault::none:
            return "none";
        case Fault::bad_request_line:
            return "bad_request_line";
        case Fault::bad_status_line:
            return "bad_status_line";
        case Fault::bad_version:
            return "bad_version";
        case Fault::bad_target:
            return "bad_target";
        case Fault::bad_header_name:
            return "bad_header_name";
        case Fault::bad_header_value:
            return "bad_header_value";
        case Fault::bare_line_feed:
            return "bare_line_feed";
        case Fault::obsolete_fold:
            return "obsolete_fold";
        case Fault::missing_host:
            return "missing_host";
        case Fault::duplicate_host:
            return "duplicate_host";
        case Fault::bad_host:
            return "bad_host";
        case Fault::host_mismatch:
            return "host_mismatch";
        case Fault::bad_content_length:
            return "bad_content_length";
        case Fault::length_and_encoding:
            return "length_and_encoding";
        case Fault::bad_transfer_encoding:
            return "bad_transfer_encoding";
        case Fault::unknown_transfer_coding:
            return "unknown_transfer_coding";
        case Fault::bad_connect:
            return "bad_connect";
        case Fault::head_too_large:
            return "head_too_large";
        case Fault::too_many_headers:
            return "too_many_headers";
        case Fault::bad_chunk:
            return "bad_chunk";
        case Fault::trailer_too_large:
            return "trailer_too_large";
    }
    return "unknown";
}

uint16_t status_for(Fault fault) {
    switch (fault) {
        case Fault::head_too_large:
        case Fault::too_many_headers:
        case Fault::trailer_too_large:
            return 431;
        case Fault::unknown_transfer_coding:
            return 501;
        case Fault::bad_version:
            return 505;
        case Fault::bad_connect:
            return 405;
        default:
            return 400;
    }
}

}  // namespace steelyard::http
