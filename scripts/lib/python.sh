# The Python packages, in a virtual environment of the project's own. Sourced after common.sh.
# shellcheck shell=bash

# Debian's Python first: its venv module is among the packages we install.
find_python() {
    local candidate
    for candidate in /usr/bin/python3 "$(command -v python3 || true)"; do
        [ -x "$candidate" ] && "$candidate" -c 'import venv, ensurepip' 2>/dev/null && { printf '%s' "$candidate"; return 0; }
    done
    return 1
}

# python_requirements FILE required|optional: installs a requirements file once, and again when it changes.
python_requirements() {
    local file=$root/$1 need=$2 name stamp python
    name=$(tr -c '[:alnum:]' - <<<"${1%.txt}")
    stamp=$venv/.${name%-}.$(sha256sum "$file" | cut -c1-16)
    [ -e "$stamp" ] && return 0
    if ! [ -x "$venv/bin/python" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
        python=$(find_python) || die "no Python 3 with the venv module: install python3 and python3-venv"
        mkdir -p "$cache"
        rm -rf "$venv"
        "$python" -m venv "$venv" || die "could not create a virtual environment in $venv"
    fi
    say "installing Python packages: $(sed -e 's/#.*//' "$file" | xargs)"
    if "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$file" >&2; then
        rm -f "$venv/.${name%-}."*
        : >"$stamp"
    elif [ "$need" = optional ]; then
        say "optional and missing: Python packages of $1 (see above)"
    else
        die "could not install the Python packages of $file"
    fi
}
