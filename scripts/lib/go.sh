# Finds a Go that is new enough. Sourced after common.sh.
# shellcheck shell=bash

go_minimum=1.26

# Puts a Go of at least $go_minimum first in PATH: the one already there, or the one that bootstrap put into the venv.
find_go() {
    local candidate version
    for candidate in "$(command -v go || true)" /usr/local/go/bin/go "$venv/bin/go"; do
        [ -x "$candidate" ] || continue
        version=$("$candidate" env GOVERSION 2>/dev/null) || continue
        version=${version#go}
        if [ "$(printf '%s\n%s\n' "$go_minimum" "$version" | sort -V | head -1)" = "$go_minimum" ]; then
            PATH=$(dirname "$candidate"):$PATH
            export PATH
            return 0
        fi
    done
    return 1
}
