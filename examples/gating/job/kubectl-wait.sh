#!/bin/sh
# Waits for the verdict of a TestRunReport with nothing but kubectl.
#
# usage: kubectl-wait.sh NAME [SHA]
#   NAMESPACE  namespace of the report (default: that of the current context)
#   TIMEOUT    seconds to wait in all (default 3600)
#   INTERVAL   seconds between two looks at a verdict that is not there yet (default 10)
#
# exit: 0 passed, 1 failed, 2 undecided when the time was over, 3 cannot read, 64 usage
#
# `kubectl wait --for=condition=` heeds observedGeneration, `--for=jsonpath=` does not: never wait
# for a field of the status. What ends the wait is confirmed by ONE read in which generation,
# commit and verdict belong together.
set -u

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ -z "$1" ]; then
    echo "usage: $0 NAME [SHA]" >&2
    exit 64
fi
name=$1
sha=${2:-}
namespace=${NAMESPACE:-}
left=${TIMEOUT:-3600}
interval=${INTERVAL:-10}
resource=testrunreports.testrun.dev

kube() {
    if [ -n "$namespace" ]; then
        kubectl --namespace="$namespace" "$@"
    else
        kubectl "$@"
    fi
}

condition() {
    printf '{.status.conditions[?(@.type=="%s")].%s}' "$1" "$2"
}

# Fields that may be empty are closed by a mark: the shell drops empty fields at the end.
fields="{.metadata.generation}|{.status.observedGeneration}|{.metadata.deletionTimestamp}"
fields="$fields|{.status.source.sha}|$(condition Passed status)|$(condition Passed observedGeneration)"
fields="$fields|$(condition Reconciling status)|$(condition Stalled status)|$(condition Passed message)"

# Sets `verdict` to passed, failed or undecided, from one read.
look() {
    seen=$(kube get "$resource" "$name" --output=jsonpath="$fields") || return 3
    IFS='|' read -r generation observed deleted commit passed passed_at reconciling stalled message <<EOF
$seen
EOF
    verdict=undecided
    if [ -z "$generation" ] || [ "$generation" != "$observed" ] || [ "$generation" != "$passed_at" ]; then
        message="the operator has not looked at generation ${generation:-?} yet"
    elif [ -n "$deleted" ]; then
        message="the report is being deleted"
    elif [ -n "$sha" ] && [ -n "$commit" ] && [ "$commit" != "$sha" ]; then
        message="the report is about commit $commit, not about $sha"
    elif [ "$stalled" = True ]; then
        verdict=failed
    elif [ "$reconciling" != False ]; then
        verdict=undecided
    elif [ "$passed" = True ] && { [ -z "$sha" ] || [ "$commit" = "$sha" ]; }; then
        verdict=passed
    elif [ "$passed" = False ]; then
        verdict=failed
    fi
    return 0
}

while :; do
    look || { echo "cannot read $resource/$name" >&2; exit 3; }
    case $verdict in
        passed)
            echo "passed: $message"
            exit 0
            ;;
        failed)
            echo "failed: $message" >&2
            exit 1
            ;;
    esac
    if [ "$left" -le 0 ]; then
        echo "undecided: $message" >&2
        exit 2
    fi
    [ "$left" -ge "$interval" ] || interval=$left
    left=$((left - interval))
    # Returns early when it passes; a red verdict is seen at the next look.
    started=$(date +%s)
    if kube wait "$resource/$name" --for=condition=Passed=true --timeout="${interval}s" >/dev/null 2>&1; then
        # The wait is over at once where the report passed for another commit, or is being deleted.
        waited=$(($(date +%s) - started))
        look && [ "$verdict" != undecided ] && continue
        [ "$waited" -ge "$interval" ] || sleep $((interval - waited))
    fi
done
