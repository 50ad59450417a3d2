// Package github reads what a report needs from GitHub's REST API.
//
// The types have only the fields that are used: that is the cheaper choice than the full types of a
// general client library.
package github

import "time"

// Repository of a run or pull request.
type Repository struct {
	ID            int64  `json:"id"`
	FullName      string `json:"full_name"`
	DefaultBranch string `json:"default_branch"`
}

// Tip is the head or base of a pull request.
type Tip struct {
	SHA  string      `json:"sha"`
	Ref  string      `json:"ref"`
	Repo *Repository `json:"repo"`
}

// PullRequest is a pull request.
type PullRequest struct {
	Number  int64  `json:"number"`
	Title   string `json:"title"`
	HTMLURL string `json:"html_url"`
	State   string `json:"state"`
	Head    Tip    `json:"head"`
	Base    Tip    `json:"base"`
}

// Commit is a commit.
type Commit struct {
	SHA     string `json:"sha"`
	HTMLURL string `json:"html_url"`
}

// Branch is a branch with its classic protection.
type Branch struct {
	Name       string `json:"name"`
	Protection struct {
		RequiredStatusChecks StatusChecks `json:"required_status_checks"`
	} `json:"protection"`
}

// StatusChecks are the required checks of a branch.
type StatusChecks struct {
	Contexts []string       `json:"contexts"`
	Checks   []CheckContext `json:"checks"`
}

// CheckContext is a required check.
type CheckContext struct {
	Context       string `json:"context"`
	AppID         *int64 `json:"app_id"`
	IntegrationID *int64 `json:"integration_id"`
}

// Rule is a rule of a branch.
type Rule struct {
	Type       string `json:"type"`
	Parameters struct {
		RequiredStatusChecks []CheckContext `json:"required_status_checks"`
	} `json:"parameters"`
}

// Run is a workflow run.
type Run struct {
	ID             int64       `json:"id"`
	RunAttempt     int64       `json:"run_attempt"`
	WorkflowID     int64       `json:"workflow_id"`
	Name           string      `json:"name"`
	Path           string      `json:"path"`
	Event          string      `json:"event"`
	Status         string      `json:"status"`
	Conclusion     string      `json:"conclusion"`
	HeadSHA        string      `json:"head_sha"`
	HeadBranch     string      `json:"head_branch"`
	DisplayTitle   string      `json:"display_title"`
	HTMLURL        string      `json:"html_url"`
	Repository     Repository  `json:"repository"`
	HeadRepository *Repository `json:"head_repository"`
	CreatedAt      time.Time   `json:"created_at"`
	UpdatedAt      time.Time   `json:"updated_at"`
}

// Step of a job.
type Step struct {
	Number     int64  `json:"number"`
	Name       string `json:"name"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"`
}

// Job of one attempt of a run.
type Job struct {
	ID          int64      `json:"id"`
	RunAttempt  int64      `json:"run_attempt"`
	Name        string     `json:"name"`
	Status      string     `json:"status"`
	Conclusion  string     `json:"conclusion"`
	HTMLURL     string     `json:"html_url"`
	StartedAt   *time.Time `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`
	Steps       []Step     `json:"steps"`
}

// CheckRun of any app.
type CheckRun struct {
	ID          int64      `json:"id"`
	Name        string     `json:"name"`
	HeadSHA     string     `json:"head_sha"`
	Status      string     `json:"status"`
	Conclusion  string     `json:"conclusion"`
	HTMLURL     string     `json:"html_url"`
	StartedAt   *time.Time `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`
	App         *struct {
		ID   int64  `json:"id"`
		Slug string `json:"slug"`
	} `json:"app"`
	Output struct {
		AnnotationsCount int64 `json:"annotations_count"`
	} `json:"output"`
}

// Status is a commit status.
type Status struct {
	ID        int64      `json:"id"`
	Context   string     `json:"context"`
	State     string     `json:"state"`
	TargetURL string     `json:"target_url"`
	UpdatedAt *time.Time `json:"updated_at"`
}

// Annotation of a check run.
type Annotation struct {
	Level   string `json:"annotation_level"`
	Message string `json:"message"`
}

// Artifact of a run.
type Artifact struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}
