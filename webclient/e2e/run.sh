#!/usr/bin/env bash
# The browser tests: the real server and headless Chromium in a network namespace that has only `lo`,
# so that media stays on this machine and the firewall rules of the tests touch nobody else.
set -euo pipefail
exec </dev/null
cd "$(dirname "$0")/.."

skip() {
  echo "SKIPPED: BROWSER TESTS: $1" | tee -a "${ATRIUM_LAST_LINES:-/dev/null}"
  exit 0
}

chromium=${ATRIUM_CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
[ -n "$chromium" ] || skip "NO CHROMIUM (apt-get install chromium, or name one in ATRIUM_CHROMIUM)"
command -v unshare >/dev/null || skip "NO unshare (util-linux)"
command -v ip >/dev/null || PATH=$PATH:/usr/sbin:/sbin
command -v ip >/dev/null || skip "NO ip (iproute2)"
namespace=(unshare --net)
"${namespace[@]}" true 2>/dev/null || namespace=(unshare --user --map-root-user --net)
"${namespace[@]}" true 2>/dev/null || skip "NETWORK NAMESPACES ARE NOT ALLOWED HERE"

# A server that is named is taken as it is; else both halves are built, if need be.
if [ -z "${ATRIUM_BIN:-}" ]; then
  make -C .. --no-print-directory build
  ATRIUM_BIN=$PWD/../bin/atrium
fi
export ATRIUM_CHROMIUM=$chromium ATRIUM_BIN
export ATRIUM_E2E_LINES=$PWD/test-results/last-lines.txt
rm -rf test-results/failures "$ATRIUM_E2E_LINES" "$ATRIUM_E2E_LINES.running"
limit=${ATRIUM_E2E_TIMEOUT:-900}
timeout --kill-after=10 "$limit" "${namespace[@]}" -- \
  bash -c 'ip link set lo up && exec "$@"' _ node_modules/.bin/vitest run --config e2e/vitest.config.ts "$@" &
trap 'kill "$!"' INT TERM
code=0
wait "$!" || code=$?

# Last, for a log that shows only its end: what failed, each in one line, and where its pages' pictures are.
[ "$code" -ne 124 ] || echo "failed: not done within $limit s, in $(cat "$ATRIUM_E2E_LINES.running" 2>/dev/null)" >>"$ATRIUM_E2E_LINES"
if [ -s "$ATRIUM_E2E_LINES" ]; then
  [ ! -d test-results/failures ] || echo "every page's picture and console: $PWD/test-results/failures"
  sort -u "$ATRIUM_E2E_LINES" | head -n 16
fi
exit "$code"
