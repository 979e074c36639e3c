#!/usr/bin/env bash
# Installs what a bare Debian 12 lacks, and nothing when nothing is missing. Run it as root (or with a sudo that asks nothing).
#
#   scripts/bootstrap.sh [build] [test] [lint] [bench] [demo] [e2e]   default: build test lint demo e2e, which `make test` needs
#
# Debian packages come from apt-get; Python packages go to a virtual environment and tools that are built to a cache, both below
# ${STEELYARD_CACHE:-~/.cache/steelyard}. Services that come with packages are neither started nor enabled.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/debian.sh"
. "$(dirname "$0")/lib/python.sh"
. "$(dirname "$0")/lib/go.sh"

build_packages=(
    g++ cmake ninja-build make pkg-config git
    libboost-dev libboost-system-dev libcpprest-dev nlohmann-json3-dev prometheus-cpp-dev libgtest-dev libgmock-dev
    libspdlog-dev libfmt-dev libcli11-dev libyaml-cpp-dev libssl-dev zlib1g-dev libbrotli-dev libzstd-dev
)
python_packages=(python3 python3-venv ca-certificates)
test_packages=(
    clang-14 libclang-rt-14-dev             # the fuzz targets
    prometheus                              # promtool
    wrk                                     # a load that a million requests need
    slowhttptest                            # clients that are slow on purpose
    iproute2 nftables openssl jq util-linux # the tests' own network, certificates
    keepalived                              # a peer of steelyard-vip's
)
lint_packages=(clang-format-14 clang-tidy-14)
bench_packages=(haproxy nginx-light libnginx-mod-stream wrk iproute2 valgrind keepalived)
# A kind cluster without Docker: the daemon's own programs. Its packages' services are neither started nor enabled. Where Docker runs
# already, whatever brought it, none of this is installed.
e2e_packages=(docker.io containerd runc debootstrap iptables nftables iproute2 jq util-linux)

required=() optional=() pythons=() pythons_optional=() go=no
add_group() {
    case $1 in
        build) required+=("${build_packages[@]}"); optional+=(ccache) ;;
        test) required+=("${python_packages[@]}" "${test_packages[@]}"); pythons+=(scripts/requirements/test.txt); go=yes ;;
        lint) required+=("${lint_packages[@]}") ;;
        bench) required+=("${python_packages[@]}"); optional+=("${bench_packages[@]}")
               pythons+=(scripts/requirements/test.txt); pythons_optional+=(scripts/requirements/bench.txt); go=yes ;;
        demo) required+=("${python_packages[@]}"); pythons+=(examples/django/requirements.txt) ;;
        e2e) docker info >/dev/null 2>&1 || optional+=("${e2e_packages[@]}")
             required+=("${python_packages[@]}"); pythons+=(scripts/requirements/test.txt); go=yes ;;
        -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) die "there is no group '$1': build, test, lint, bench, demo, e2e" ;;
    esac
}

[ $# -gt 0 ] || set -- build test lint demo e2e
for group in "$@"; do add_group "$group"; done

install_packages "${required[@]}" -- "${optional[@]}"
for name in "${pythons[@]}"; do python_requirements "$name" required; done
for name in "${pythons_optional[@]}"; do python_requirements "$name" optional; done
if [ $go = yes ] && ! find_go; then python_requirements scripts/requirements/go.txt required; fi
