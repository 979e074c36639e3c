# Debian packages: which are missing, and installing them without starting anything. Sourced after common.sh.
# shellcheck shell=bash

# missing_packages NAME...: those that are not installed, one a line. Asks dpkg alone: no network, some milliseconds.
missing_packages() {
    local installed name
    installed=" $(dpkg-query -W -f='${Package}/${db:Status-Status} ' "$@" 2>/dev/null || true)"
    for name in "$@"; do
        case $installed in *" $name/installed "*) ;; *) printf '%s\n' "$name" ;; esac
    done
}

# Runs a command as root: as it is, or through sudo where that asks for no password.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n -- "$@"; fi
}

can_be_root() {
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

# Packages such as haproxy start a service as they are installed; we want only the programs. Debian asks policy-rc.d (exit 101
# means no). One that the machine has already stays as it is; ours is there only while apt-get runs.
policy=/usr/sbin/policy-rc.d
forbid_services() {
    [ -e $policy ] && return 0
    trap allow_services EXIT
    printf '#!/bin/sh\n# steelyard bootstrap: for the time of one apt-get\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
}
allow_services() {
    if grep -qs 'steelyard bootstrap' $policy; then as_root rm -f $policy; fi
}

# Nor may they start with the next boot, where they were not installed before.
disable_services() {
    local name
    command -v systemctl >/dev/null || return 0
    for name in "$@"; do
        case $name in
            haproxy | prometheus | keepalived) as_root systemctl disable "$name.service" >/dev/null 2>&1 || true ;;
            docker.io) as_root systemctl disable docker.service docker.socket >/dev/null 2>&1 || true ;;
            containerd) as_root systemctl disable containerd.service >/dev/null 2>&1 || true ;;
            nginx-light) as_root systemctl disable nginx.service >/dev/null 2>&1 || true ;;
        esac
    done
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" >>"$apt_log" 2>&1
}

# install_packages REQUIRED... -- OPTIONAL...   Dies when a required one cannot be had; says which optional ones cannot.
install_packages() {
    local required=() optional=() missing name
    while [ $# -gt 0 ] && [ "$1" != -- ]; do required+=("$1"); shift; done
    shift || true
    optional=("$@")
    mapfile -t missing < <(missing_packages "${required[@]}" "${optional[@]}")
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "this is no Debian: please install what these packages hold: ${missing[*]}"
    can_be_root || die "not root, and sudo asks for a password. As root: apt-get install --no-install-recommends ${missing[*]}"

    mkdir -p "$cache"
    apt_log=$cache/apt.log
    : >"$apt_log"
    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    forbid_services
    apt update || say "apt-get update failed (see $apt_log); going on with the package lists there are"
    if ! apt install -y --no-install-recommends "${missing[@]}"; then
        for name in "${missing[@]}"; do apt install -y --no-install-recommends "$name" || true; done
    fi
    allow_services
    disable_services "${missing[@]}"

    mapfile -t missing < <(missing_packages "${optional[@]}")
    for name in "${missing[@]}"; do say "optional and missing: Debian package $name"; done
    mapfile -t missing < <(missing_packages "${required[@]}")
    [ ${#missing[@]} = 0 ] || { tail -15 "$apt_log" >&2; die "could not install: ${missing[*]} (the whole log: $apt_log)"; }
}
