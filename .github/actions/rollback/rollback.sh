#!/usr/bin/env bash
# Builds oncall from the checkout that this action came with, rolls back, and
# writes the outputs and the step summary. Its exit code is oncall's.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
oncall=${ONCALL_BINARY:-$work/oncall}
[ -n "${ONCALL_BINARY:-}" ] || (cd "$top" && CGO_ENABLED=0 go build -trimpath -o "$oncall" ./cmd/oncall)

# One line for each output, whatever the values hold.
outputs='(.items[0].item // {}) | ("from", "to", "url", "result") as $k | "\($k)=\(.[$k] // "" | tostring | gsub("\\s+"; " "))"'

args=(deploy rollback --yes --reason "$INPUT_REASON" --no-input --jq "$outputs")
if [ -n "${INPUT_TO:-}" ]; then args+=(--to "$INPUT_TO"); else args+=(--previous); fi
[ -z "${INPUT_INCIDENT:-}" ] || args+=(--incident "$INPUT_INCIDENT")
[ -z "${INPUT_ENVIRONMENT:-}" ] || args+=(--context "$INPUT_ENVIRONMENT")
args+=(-- "$INPUT_COMPONENT") # a name that looks like a flag is a name

# Progress, a line for each change, goes to the log; stdout holds the outputs.
set +e
"$oncall" "${args[@]}" 2>&1 >"$work/outputs" | tee "$work/log" >&2
code=${PIPESTATUS[0]}
set -e
cat "$work/outputs" >>"${GITHUB_OUTPUT:-/dev/null}"
field() { sed -n "s/^$1=//p" "$work/outputs"; }

{
	echo "### Rollback of \`$(tr -cd '[:alnum:]._/-' <<<"$INPUT_COMPONENT")\`"
	echo
	if [ "$code" = 0 ]; then
		echo "| from | to | result | build |"
		echo "|---|---|---|---|"
		echo "| $(field from) | $(field to) | $(field result) | $(field url) |"
	else
		echo "Ended with exit code $code ([what it means](https://github.com/balena-io/oncall/blob/main/docs/ci.md#exit-codes))."
		echo
		field url
		echo
		tail -n 12 "$work/log" | sed 's/^/    /' # indented text is code, whatever it holds
	fi
} >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
exit "$code"
