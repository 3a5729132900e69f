#!/bin/sh
# Run a script with a Python that is new enough (3.11), installing one where that is possible.
set -eu

found() {
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

python=$(found)
if [ -z "$python" ] && command -v apt-get >/dev/null; then
    root=
    [ "$(id -u)" = 0 ] || root=sudo
    echo "… Installing Python"
    $root env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get -qq update
        apt-get -qq install -y --no-install-recommends python3 python3-venv
        python3 -c "import sys; sys.exit(sys.version_info < (3, 11))" ||
            apt-get -qq install -y --no-install-recommends python3.11 python3.11-venv
    ' >/dev/null || true
    python=$(found)
fi
if [ -z "$python" ]; then
    echo "Python 3.11 or newer is needed: install it, then run this again." >&2
    exit 1
fi
exec "$python" -B "$@"
