package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	testrunv1alpha1 "testrun.dev/operator/bench/peer/api/v1alpha1"
)

const (
	defaultSettle   = 15 * time.Second
	defaultDeadline = 6 * time.Hour
	maxTransitions  = 32
	shown           = 5
)

// Next says when to look again.
type Next struct {
	// Final: nothing changes until GitHub does.
	Final bool
	// After is when something changes by itself.
	After time.Duration
}

type decision struct {
	passed   metav1.ConditionStatus
	reason   string
	message  string
	complete bool
	settled  bool
	overdue  bool
	started  bool
	// why it is not final
	open        string
	openMessage string
	wake        time.Time
}

func (d *decision) final() bool { return d.complete && d.settled }

// Evaluate computes the whole status of a report from the previous one and the facts.
func Evaluate(report *testrunv1alpha1.TestRunReport, facts *Facts, now metav1.Time) (testrunv1alpha1.TestRunReportStatus, Next, error) {
	list, suites, err := items(&report.Spec, facts)
	if err != nil {
		return testrunv1alpha1.TestRunReportStatus{}, Next{}, err
	}
	previous := report.Status.DeepCopy()
	if previous.ObservedGeneration < 0 {
		// The default of a report that nobody has looked at has made-up times.
		previous = &testrunv1alpha1.TestRunReportStatus{}
	}
	same := previous.Source != nil && previous.Source.SHA == facts.SHA
	resolved := now
	if same && previous.Source.ResolvedAt != nil {
		resolved = *previous.Source.ResolvedAt
	}
	d := decide(&report.Spec, facts, list, resolved.Time)

	status := testrunv1alpha1.TestRunReportStatus{
		ObservedGeneration: report.Generation,
		Source:             source(facts, list, resolved),
		Summary:            summary(list, d.overdue),
		Suites:             suiteStatuses(list, suites, d.overdue),
		Failures:           failures(list, suites, d.overdue),
		Assessment:         assessment(facts, list, d),
		Recommendation:     recommendation(report, facts, list, d),
		Transitions:        previous.Transitions,
		Conditions:         previous.Conditions,
	}
	status.Summary.FailuresTotal = int64(len(status.Failures))
	switch {
	case d.passed == metav1.ConditionTrue:
		status.Phase = "Passed"
	case d.passed == metav1.ConditionFalse && d.final():
		status.Phase = "Failed"
	case d.started:
		status.Phase = "Running"
	default:
		status.Phase = "Pending"
	}
	if d.final() {
		status.CompletedAt = &now
		if same && previous.CompletedAt != nil && previous.ObservedGeneration == report.Generation {
			status.CompletedAt = previous.CompletedAt
		}
	}
	conditions(&status, report, facts, list, d, now)
	transition(&status, facts, now)

	next := Next{Final: d.final()}
	if !next.Final && d.complete && !d.wake.IsZero() {
		next.After = max(d.wake.Sub(now.Time), time.Second)
	}
	return status, next, nil
}

func decide(spec *testrunv1alpha1.TestRunReportSpec, facts *Facts, list []item, firstSeen time.Time) *decision {
	settle, deadline := defaultSettle, defaultDeadline
	if gate := spec.Gate; gate != nil {
		if gate.SettleSeconds != nil {
			settle = time.Duration(*gate.SettleSeconds) * time.Second
		}
		if gate.DeadlineSeconds != nil {
			deadline = time.Duration(*gate.DeadlineSeconds) * time.Second
		}
	}
	start := firstSeen
	var changed time.Time
	runsComplete := true
	for n := range facts.Runs {
		run := &facts.Runs[n]
		if n == 0 || run.CreatedAt.Before(start) {
			start = run.CreatedAt
		}
		changed = later(changed, &run.UpdatedAt)
		for k := range run.Jobs {
			changed = later(changed, run.Jobs[k].CompletedAt)
		}
		runsComplete = runsComplete && run.Status == "completed"
	}
	for n := range facts.Checks {
		changed = later(later(changed, facts.Checks[n].At), facts.Checks[n].CompletedAt)
	}
	d := &decision{overdue: !facts.ReadAt.Before(start.Add(deadline))}
	var red, awaited, unknown, counting []*item
	for n := range list {
		i := &list[n]
		d.started = d.started || i.state != Missing || i.run != nil
		if i.required {
			counting = append(counting, i)
			if i.red(d.overdue) {
				red = append(red, i)
			}
			if i.state == Unknown {
				unknown = append(unknown, i)
			}
		}
		if i.open(d.overdue) && (i.required || i.state == Running) {
			awaited = append(awaited, i)
		}
	}
	nothing := len(list) == 0
	d.complete = runsComplete && len(awaited) == 0 && (!nothing || d.overdue)
	calm := changed.Add(settle)
	d.settled = facts.Confirmed && !facts.ReadAt.Before(calm)
	if !d.complete {
		d.open, d.openMessage = waiting(awaited, runsComplete, nothing)
	} else if !d.settled {
		d.open = "Settling"
		d.openMessage = fmt.Sprintf("everything is final; the verdict follows when nothing has changed for %d s", int(settle.Seconds()))
		d.wake = calm
	}
	switch {
	case len(red) > 0:
		d.passed, d.reason, d.message = metav1.ConditionFalse, redReason(red), redMessage(red, list, facts.SHA)
	case nothing && d.overdue:
		d.passed, d.reason = metav1.ConditionFalse, "Incomplete"
		d.message = fmt.Sprintf("no workflow run and no check appeared on commit %s in time", facts.SHA)
	case len(unknown) > 0:
		d.passed, d.reason = metav1.ConditionUnknown, "Undecidable"
		d.message = fmt.Sprintf("%s: unknown value, on commit %s; this does not pass", names(unknown), facts.SHA)
	case !d.complete, !d.settled:
		d.passed, d.reason = metav1.ConditionUnknown, d.open
		d.message = fmt.Sprintf("%s, on commit %s", d.openMessage, facts.SHA)
	case len(counting) == 0:
		d.passed, d.reason = metav1.ConditionFalse, "Incomplete"
		d.message = fmt.Sprintf("nothing that counts ran on commit %s", facts.SHA)
	default:
		d.passed, d.reason = metav1.ConditionTrue, "AllRequiredSucceeded"
		d.message = fmt.Sprintf("%d of %d required jobs and checks succeeded on commit %s", len(counting), len(counting), facts.SHA)
	}
	return d
}

func later(at time.Time, other *time.Time) time.Time {
	if other != nil && other.After(at) {
		return *other
	}
	return at
}

func waiting(awaited []*item, runsComplete, nothing bool) (string, string) {
	of := func(state State) []*item {
		return slices.DeleteFunc(slices.Clone(awaited), func(i *item) bool { return i.state != state })
	}
	if some := of(ActionRequired); len(some) > 0 {
		return "ActionRequired", "waits for a person's approval on GitHub: " + names(some)
	}
	if some := of(Running); len(some) > 0 {
		return "Running", fmt.Sprintf("%d jobs not final: %s", len(some), names(some))
	}
	if !runsComplete {
		return "Running", "a workflow run is not completed"
	}
	if nothing {
		return "Pending", "no workflow run and no check yet"
	}
	return "Expecting", "expected and not reported yet: " + names(of(Missing))
}

func redReason(red []*item) string {
	reason := "Incomplete"
	for _, i := range red {
		switch i.state {
		case Failed:
			return "RequiredFailed"
		case Cancelled, Skipped, Neutral:
			reason = "RequiredNotRun"
		}
	}
	return reason
}

func redMessage(red []*item, list []item, sha string) string {
	var parts []string
	for _, kind := range []struct {
		state State
		verb  string
	}{{Failed, "failed"}, {Cancelled, "cancelled"}, {Missing, "missing"}, {ActionRequired, "not approved"}, {Skipped, "skipped"}, {Neutral, "neutral"}} {
		some := slices.DeleteFunc(slices.Clone(red), func(i *item) bool { return i.state != kind.state })
		if len(some) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s: %s", len(some), kind.verb, names(some)))
		}
	}
	running := 0
	for n := range list {
		if list[n].state == Running {
			running++
		}
	}
	if running > 0 {
		parts = append(parts, fmt.Sprintf("%d jobs still running", running))
	}
	return strings.Join(parts, "; ") + ", on commit " + sha
}

// names lists the first few names and how many more there are.
func names(list []*item) string {
	var all []string
	for _, i := range list[:min(shown, len(list))] {
		all = append(all, i.name)
	}
	text := strings.Join(all, ", ")
	if len(list) > shown {
		text += fmt.Sprintf(" and %d more", len(list)-shown)
	}
	return text
}

// conditions says the decision to programs. meta.SetStatusCondition keeps the time of what did not change.
func conditions(status *testrunv1alpha1.TestRunReportStatus, report *testrunv1alpha1.TestRunReport, facts *Facts, list []item, d *decision, now metav1.Time) {
	set := func(kind string, value metav1.ConditionStatus, reason, message string) {
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{
			Type: kind, Status: value, Reason: reason, Message: message,
			ObservedGeneration: report.Generation, LastTransitionTime: now,
		})
	}
	undecidable := d.passed == metav1.ConditionUnknown && d.reason == "Undecidable"
	ready := d.passed
	if d.passed == metav1.ConditionUnknown && !undecidable {
		ready = metav1.ConditionFalse
	}
	atRest := d.final() && !undecidable
	set("Ready", ready, d.reason, d.message)
	set("Passed", d.passed, d.reason, d.message)
	if d.final() {
		set("Complete", metav1.ConditionTrue, "AllFinal", "every run, expected job and check is final")
	} else {
		set("Complete", metav1.ConditionFalse, d.open, d.openMessage)
	}
	switch {
	case atRest:
		set("Reconciling", metav1.ConditionFalse, "Final", "at rest; a re-run or a new commit is noticed")
	case d.final():
		set("Reconciling", metav1.ConditionTrue, d.reason, d.message)
	default:
		set("Reconciling", metav1.ConditionTrue, d.open, d.openMessage)
	}
	switch {
	case d.final() && d.passed == metav1.ConditionFalse:
		set("Stalled", metav1.ConditionTrue, d.reason, d.message)
	case atRest:
		set("Stalled", metav1.ConditionFalse, "Final", "")
	default:
		set("Stalled", metav1.ConditionFalse, d.reason, "")
	}
	set("SourceAvailable", metav1.ConditionTrue, "Read", fmt.Sprintf("read commit %s of %s", facts.SHA, facts.Repository.FullName))
	var failed []*item
	for n := range list {
		if list[n].state == Failed && list[n].job != nil && !list[n].aggregate {
			failed = append(failed, &list[n])
		}
	}
	switch {
	case len(failed) > 0 && !d.complete:
		set("ArtifactsAvailable", metav1.ConditionUnknown, "Waiting", "bundles may still come: jobs are running")
	case len(failed) > 0:
		set("ArtifactsAvailable", metav1.ConditionFalse, "NotCollected",
			fmt.Sprintf("%d failed jobs without a must-gather bundle: %s", len(failed), names(failed)))
	case d.complete:
		set("ArtifactsAvailable", metav1.ConditionTrue, "NothingFailed", "no job failed")
	default:
		set("ArtifactsAvailable", metav1.ConditionUnknown, "Waiting", "no job has failed so far")
	}
}

func transition(status *testrunv1alpha1.TestRunReportStatus, facts *Facts, now metav1.Time) {
	passed := meta.FindStatusCondition(status.Conditions, "Passed")
	sha := short(facts.SHA)
	if n := len(status.Transitions); n > 0 {
		last := status.Transitions[n-1]
		if last.Passed == string(passed.Status) && last.SHA == sha {
			return
		}
	}
	status.Transitions = append(status.Transitions, testrunv1alpha1.Transition{
		Time: now, Passed: string(passed.Status), Reason: passed.Reason, SHA: sha,
		Message: passed.Message[:min(255, len(passed.Message))],
	})
	if excess := len(status.Transitions) - maxTransitions; excess > 0 {
		status.Transitions = status.Transitions[excess:]
	}
}
