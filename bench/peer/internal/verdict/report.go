package verdict

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	testrunv1alpha1 "testrun.dev/operator/bench/peer/api/v1alpha1"
)

const (
	maxJobs     = 200
	maxFailures = 100
	maxRuns     = 50
	// maxMessage is the most that the definition of the kind takes of a note.
	maxMessage = 512
)

func source(facts *Facts, list []item, resolved metav1.Time) *testrunv1alpha1.SourceStatus {
	out := &testrunv1alpha1.SourceStatus{
		Repository: facts.Repository.FullName, RepositoryID: facts.Repository.ID,
		SHA: facts.SHA, ShortSHA: short(facts.SHA), Branch: facts.Branch, BaseBranch: facts.BaseBranch,
		Title: facts.Title, URL: facts.URL, ResolvedAt: &resolved, RunsTotal: int64(len(facts.Runs)),
		Runs: []testrunv1alpha1.RunStatus{},
	}
	if facts.Pull != nil {
		out.PullRequest = &facts.Pull.Number
	}
	var ids []string
	runs := slices.Clone(facts.Runs)
	slices.SortFunc(runs, func(a, b Run) int { return cmp.Compare(a.ID, b.ID) })
	for n := range runs[:min(maxRuns, len(runs))] {
		run := &runs[n]
		ids = append(ids, fmt.Sprint(run.ID))
		out.Runs = append(out.Runs, testrunv1alpha1.RunStatus{
			ID: run.ID, Attempt: max(run.RunAttempt, 1), Workflow: run.Name, Event: run.Event,
			Result: cmp.Or(run.Conclusion, run.Status), URL: run.HTMLURL,
		})
	}
	out.RunsDisplay = strings.Join(ids[:min(8, len(ids))], ",")
	out.Digest = digest(list)
	return out
}

func digest(list []item) string {
	lines := make([]string, 0, len(list))
	for n := range list {
		var id, attempt int64
		if job := list[n].job; job != nil {
			id, attempt = job.ID, job.RunAttempt
		}
		lines = append(lines, fmt.Sprintf("%d %d %s %s", id, attempt, list[n].name, list[n].state))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:8])
}

func summary(list []item, overdue bool) *testrunv1alpha1.Summary {
	var jobs testrunv1alpha1.JobCounts
	var failing int64
	counters := map[State]*int64{
		Succeeded: &jobs.Succeeded, Failed: &jobs.Failed, Cancelled: &jobs.Cancelled, Skipped: &jobs.Skipped,
		Neutral: &jobs.Neutral, ActionRequired: &jobs.ActionRequired, Running: &jobs.Running,
		Missing: &jobs.Missing, Unknown: &jobs.Unknown,
	}
	for n := range list {
		i := &list[n]
		if i.aggregate {
			continue
		}
		jobs.Total++
		*counters[i.state]++
		if i.required && i.red(overdue) {
			failing++
		}
	}
	jobs.Display = fmt.Sprintf("%d/%d", jobs.Succeeded, jobs.Total)
	jobs.PassRate = percent(jobs.Succeeded, jobs.Total)
	return &testrunv1alpha1.Summary{Jobs: jobs, Failing: failing}
}

func percent(part, whole int64) *int64 {
	if whole == 0 {
		return nil
	}
	return ptr.To(part * 100 / whole)
}

func suiteStatuses(list []item, suites []suite, overdue bool) []testrunv1alpha1.SuiteStatus {
	bySuite := make([][]*item, len(suites))
	var aggregates []*item
	for n := range list {
		if i := &list[n]; i.aggregate {
			aggregates = append(aggregates, i)
		} else {
			bySuite[i.suite] = append(bySuite[i.suite], i)
		}
	}
	var out []testrunv1alpha1.SuiteStatus
	for n, s := range suites {
		if len(bySuite[n]) == 0 {
			continue
		}
		policy := "Informational"
		if s.required {
			policy = "Required"
		}
		status := suiteStatus(s.name, policy, bySuite[n], overdue)
		status.CriticalPath = s.criticalPath
		out = append(out, status)
	}
	slices.SortStableFunc(out, func(a, b testrunv1alpha1.SuiteStatus) int {
		switch {
		case a.CriticalPath && !b.CriticalPath:
			return -1
		case b.CriticalPath && !a.CriticalPath:
			return 1
		}
		return 0
	})
	if len(aggregates) > 0 {
		out = append(out, suiteStatus("Aggregate jobs", "Aggregate", aggregates, overdue))
	}
	return out
}

func suiteStatus(name, policy string, list []*item, overdue bool) testrunv1alpha1.SuiteStatus {
	out := testrunv1alpha1.SuiteStatus{Name: name, Policy: policy, State: "Succeeded", Total: int64(len(list))}
	rank := map[string]int{"Succeeded": 0, "Running": 1, "Unknown": 2, "Failed": 3}
	for _, i := range list {
		state := "Succeeded"
		switch {
		case i.red(overdue):
			state = "Failed"
		case i.state == Unknown:
			state = "Unknown"
		case i.open(overdue):
			state = "Running"
		}
		if rank[state] > rank[out.State] {
			out.State = state
		}
		if i.state == Succeeded {
			out.Passed++
		}
	}
	out.PassRate = percent(out.Passed, out.Total)
	out.JobsOmitted = max(out.Total-maxJobs, 0)
	out.Jobs = make([]testrunv1alpha1.JobStatus, 0, min(maxJobs, len(list)))
	for _, i := range list[:min(maxJobs, len(list))] {
		out.Jobs = append(out.Jobs, jobStatus(i))
	}
	return out
}

func jobStatus(i *item) testrunv1alpha1.JobStatus {
	out := testrunv1alpha1.JobStatus{Name: i.name, State: string(i.state), Note: i.note[:min(maxMessage, len(i.note))]}
	if i.run != nil {
		out.RunID = &i.run.ID
	}
	switch {
	case i.job != nil:
		out.ID = &i.job.ID
		out.Seconds = seconds(i.job.StartedAt, i.job.CompletedAt)
		if i.job.RunAttempt > 1 {
			out.Attempt = i.job.RunAttempt
		}
		if i.state == Running && i.job.Status != "in_progress" {
			out.Detail = i.job.Status
		}
	case i.check != nil:
		out.App = i.check.App
		out.Seconds = seconds(i.check.At, i.check.CompletedAt)
	}
	return out
}

func failures(list []item, suites []suite, overdue bool) []testrunv1alpha1.Failure {
	var out []testrunv1alpha1.Failure
	for n := range list {
		i := &list[n]
		if !i.red(overdue) || i.aggregate || len(out) == maxFailures {
			continue
		}
		failure := testrunv1alpha1.Failure{
			Suite: suites[i.suite].name, Job: i.name, State: string(i.state), Message: i.note, Consequence: i.consequence,
		}
		if i.run != nil {
			failure.RunID = &i.run.ID
		}
		if i.job != nil {
			failure.JobID, failure.URL = &i.job.ID, i.job.HTMLURL
			for _, step := range i.job.Steps {
				if step.Conclusion == "failure" || step.Conclusion == "cancelled" {
					failure.Step = step.Name
					break
				}
			}
			for _, annotation := range i.run.Annotations[i.job.ID] {
				if annotation.Level == "failure" && !strings.HasPrefix(annotation.Message, "Process completed with exit code") {
					failure.Message = annotation.Message
					break
				}
			}
		}
		out = append(out, failure)
	}
	return out
}

func assessment(facts *Facts, list []item, d *decision) *testrunv1alpha1.Assessment {
	confidence := int64(90)
	why := []string{"starts at 90 %: more needs a pass seen on a re-run"}
	if slices.ContainsFunc(list, func(i item) bool { return i.recovered }) {
		confidence = 97
		why = []string{"starts at 97 %: a failed job passed on a re-run of this commit"}
	}
	open, failed := 0, 0
	for n := range list {
		if list[n].open(d.overdue) {
			open++
		}
		if list[n].state == Failed {
			failed++
		}
	}
	if open > 0 {
		points := int64(max(open*60/len(list), 10))
		confidence -= points
		why = append(why, fmt.Sprintf("-%d: %d of %d jobs and checks not final", points, open, len(list)))
	}
	if len(facts.Baseline) == 0 && len(facts.Required) == 0 {
		confidence -= 15
		why = append(why, "-15: nothing says which jobs must be there")
	}
	if failed > 0 {
		confidence -= 25
		why = append(why, fmt.Sprintf("-25: logs or reports of %d failed jobs not read", failed))
	}
	risk, reason := "Unknown", "not decided"
	switch d.passed {
	case metav1.ConditionTrue:
		risk, reason = "Low", "everything required passed at the first attempt"
	case metav1.ConditionFalse:
		risk, reason = "High", "something required is red; no history says that it often is"
	}
	why = append(why, fmt.Sprintf("risk of merging %s: %s", risk, reason))
	return &testrunv1alpha1.Assessment{Confidence: max(confidence, 5), Risk: risk, Rationale: why}
}

func recommendation(report *testrunv1alpha1.TestRunReport, facts *Facts, list []item, d *decision) *testrunv1alpha1.Recommendation {
	repo := facts.Repository.FullName
	option := func(action, description string, commands ...string) testrunv1alpha1.ActionOption {
		return testrunv1alpha1.ActionOption{Action: action, Description: description, Commands: commands}
	}
	wait := fmt.Sprintf("kubectl wait --for=condition=Passed testrunreport/%s -n %s --timeout=30m", report.Name, report.Namespace)
	out := &testrunv1alpha1.Recommendation{}
	switch d.passed {
	case metav1.ConditionTrue:
		out.Action, out.Summary = "Merge", "Merge: the verdict is green."
		var merge []string
		if facts.Pull != nil {
			merge = append(merge, fmt.Sprintf("gh pr merge %d --repo %s --match-head-commit %s", facts.Pull.Number, repo, facts.SHA))
		}
		out.Options = append(out.Options, option("Merge", "every required job and check of this commit is green", merge...))
	case metav1.ConditionUnknown:
		out.Action, out.Summary = "Wait", "Wait: not everything is final."
		out.Options = append(out.Options, option("Wait", "no verdict yet; wait for a final one", wait))
	default:
		var logs, reruns []string
		seen := map[int64]bool{}
		var red []*item
		for n := range list {
			i := &list[n]
			if !i.required || !i.red(d.overdue) || i.run == nil {
				continue
			}
			red = append(red, i)
			if i.job != nil && i.state == Failed && len(logs) < 8 {
				logs = append(logs, fmt.Sprintf("gh run view %d --job %d --repo %s --log-failed", i.run.ID, i.job.ID, repo))
			}
			if !seen[i.run.ID] && len(reruns) < 8 {
				seen[i.run.ID] = true
				reruns = append(reruns, fmt.Sprintf("gh run rerun %d --failed --repo %s", i.run.ID, repo))
			}
		}
		out.Action, out.Summary = "Analyse", "Analyse before merging: "+names(red)
		out.Options = append(out.Options,
			option("Analyse", "read the failing tests and the lines that explain them, and fix the cause", logs...),
			option("Rerun", "tells a flaky failure from a lasting one: only a pass on this commit counts", reruns...),
			option("Waive", "merge knowingly: a waiver names the job or test, a reason, an approver and an end, and shows in the verdict",
				fmt.Sprintf("kubectl edit testrunreport/%s -n %s", report.Name, report.Namespace)))
		if !d.complete {
			out.Options = append(out.Options, option("Wait", "jobs still run; the red ones stay red without a re-run", wait))
		}
	}
	for n := range out.Options {
		out.Options[n].Recommended = out.Options[n].Action == out.Action
	}
	return out
}
