// Package verdict turns what GitHub says of a commit into the status of a report. It reads nothing.
package verdict

import (
	"time"

	"testrun.dev/operator/bench/peer/internal/github"
)

// ActionsAppID is the id of GitHub Actions as an app.
const ActionsAppID = 15368

// Facts are all that decides about one commit.
type Facts struct {
	Repository github.Repository
	Pull       *github.PullRequest
	SHA        string
	Branch     string
	BaseBranch string
	Title      string
	URL        string
	Fork       bool

	Runs []Run
	// Checks of other apps, and commit statuses.
	Checks []Check
	// Required checks of the base branch.
	Required []Required
	// Baseline is what the last green commit of the base branch had.
	Baseline []BaselineWorkflow
	// Confirmed tells that a second listing of the runs agreed with the first.
	Confirmed bool
	// ReadAt is GitHub's clock.
	ReadAt time.Time
}

// Run is a workflow run with the jobs of all its attempts.
type Run struct {
	github.Run
	Jobs []github.Job
	// Annotations by job.
	Annotations map[int64][]github.Annotation
}

// Check is a check run of another app, or a commit status.
type Check struct {
	ID          int64
	Status      bool
	Name        string
	App         string
	AppID       int64
	State       State
	At          *time.Time
	CompletedAt *time.Time
	URL         string
}

// Required is a check that the base branch requires.
type Required struct {
	Name  string
	AppID int64
}

// BaselineWorkflow is a workflow as it ran green on the base branch.
type BaselineWorkflow struct {
	Name            string
	Path            string
	SHA             string
	Jobs            []string
	NotForThisEvent bool
}

// State of one job or check.
type State string

// The states, the worst first.
const (
	Failed         State = "Failed"
	Cancelled      State = "Cancelled"
	Missing        State = "Missing"
	Skipped        State = "Skipped"
	Neutral        State = "Neutral"
	ActionRequired State = "ActionRequired"
	Unknown        State = "Unknown"
	Running        State = "Running"
	Succeeded      State = "Succeeded"
)

// StateOf is the state of what GitHub calls status and conclusion.
func StateOf(status, conclusion string) State {
	switch {
	case status == "completed":
		switch conclusion {
		case "success":
			return Succeeded
		case "failure", "timed_out", "startup_failure", "error":
			return Failed
		case "cancelled", "stale":
			return Cancelled
		case "skipped":
			return Skipped
		case "neutral":
			return Neutral
		case "action_required":
			return ActionRequired
		}
		return Unknown
	case conclusion != "":
		return Unknown
	case status == "queued", status == "in_progress", status == "requested", status == "pending":
		return Running
	case status == "waiting":
		return ActionRequired
	}
	return Unknown
}
