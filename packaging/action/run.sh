#!/usr/bin/env bash
# The one step of action.yml: install driftwatch, check, write summary and outputs, decide the exit code.
# Reads INPUT_* and what every GitHub runner sets: RUNNER_TEMP, GITHUB_OUTPUT, GITHUB_STEP_SUMMARY.
set -euo pipefail

source_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
work_dir="${RUNNER_TEMP:?}/driftwatch"
report="$work_dir/report.md"
program="${INPUT_PROGRAM:-}"
fail_on="${INPUT_FAIL_ON:-drift}"

complain() {
  printf '::error title=driftwatch::%s\n' "$1"
  exit 64
}

install_driftwatch() {
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    complain 'python3 must be 3.11 or later: add actions/setup-python before this step.'
  python3 -m venv "$work_dir/venv"
  "$work_dir/venv/bin/pip" install --quiet --disable-pip-version-check \
    --constraint "$source_dir/constraints.txt" "$source_dir"
  program="$work_dir/venv/bin/driftwatch"
}

case "$fail_on" in
  drift | failure | never) ;;
  *) complain 'fail-on must be drift, failure or never.' ;;
esac

mkdir -p "$work_dir"
rm -f "$report"
[ -n "$program" ] || install_driftwatch

# Names are words: read splits them, and nothing else looks at what they hold.
names="${INPUT_ENVIRONMENTS:-}"
read -r -d '' -a environments <<<"${names//,/ }" || true

# What is printed may quote the repository; a line of it must not be taken as a command to the runner.
pause="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
printf '::stop-commands::%s\n' "$pause"
code=0
"$program" --config "${INPUT_CONFIG:-driftwatch.yaml}" check --quiet --format markdown \
  --output "$report" -- ${environments[@]+"${environments[@]}"} || code=$?
printf '::%s::\n' "$pause"

case "$code" in
  0) status=in-sync ;;
  2) status=drift ;;
  *) status=failed ;;
esac

if [ -s "$report" ]; then
  cat "$report" >>"$GITHUB_STEP_SUMMARY"
else
  printf 'driftwatch could not look: exit code %s. The log of this step says why.\n' "$code" |
    tee "$report" >>"$GITHUB_STEP_SUMMARY"
fi
printf 'status=%s\nreport=%s\n' "$status" "$report" >>"$GITHUB_OUTPUT"

case "$fail_on:$status" in
  drift:drift | drift:failed | failure:failed)
    printf '::error title=driftwatch::%s; see the summary of this run.\n' "$status"
    exit 1
    ;;
esac
