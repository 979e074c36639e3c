-- One line of JSON at the end of a wrk run, times in microseconds. Nothing here runs while requests do.
function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests": %d, "duration": %d, "p50": %.0f, "p99": %.0f, "bad_status": %d, "broken": %d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
