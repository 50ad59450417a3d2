package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRunReport collects the CI results of one commit.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type TestRunReport struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   TestRunReportSpec   `json:"spec,omitempty"`
	Status TestRunReportStatus `json:"status,omitempty"`
}

// TestRunReportList contains a list of TestRunReport.
// +kubebuilder:object:root=true
type TestRunReportList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []TestRunReport `json:"items"`
}

// TestRunReportSpec says which commit is reported on and how.
type TestRunReportSpec struct {
	Source             Source            `json:"source"`
	CredentialsRef     *CredentialsRef   `json:"credentialsRef,omitempty"`
	Workflows          []string          `json:"workflows,omitempty"`
	Suites             []SuiteSpec       `json:"suites,omitempty"`
	Ignore             []JobMatch        `json:"ignore,omitempty"`
	Aliases            map[string]string `json:"aliases,omitempty"`
	Checks             []CheckSpec       `json:"checks,omitempty"`
	Artifacts          *ArtifactsSpec    `json:"artifacts,omitempty"`
	LocalResults       []LocalResult     `json:"localResults,omitempty"`
	Gate               *GateSpec         `json:"gate,omitempty"`
	Waivers            []Waiver          `json:"waivers,omitempty"`
	Suspend            bool              `json:"suspend,omitempty"`
	TTLAfterCompletion *int64            `json:"ttlAfterCompletion,omitempty"`
}

// Source is where the commit comes from.
type Source struct {
	GitHub GitHubSource `json:"github"`
}

// GitHubSource names a commit on GitHub.
type GitHubSource struct {
	Repository  string `json:"repository"`
	PullRequest *int64 `json:"pullRequest,omitempty"`
	SHA         string `json:"sha,omitempty"`
	RunID       *int64 `json:"runId,omitempty"`
	Branch      string `json:"branch,omitempty"`
	Connection  string `json:"connection,omitempty"`
}

// CredentialsRef names a Secret.
type CredentialsRef struct {
	Name string `json:"name"`
	Key  string `json:"key,omitempty"`
}

// SuiteSpec groups jobs.
type SuiteSpec struct {
	Name         string     `json:"name"`
	Policy       string     `json:"policy,omitempty"`
	Match        []JobMatch `json:"match"`
	Expect       *Expect    `json:"expect,omitempty"`
	MinPassRate  *int32     `json:"minPassRate,omitempty"`
	CriticalPath bool       `json:"criticalPath,omitempty"`
}

// JobMatch matches jobs by regular expressions.
type JobMatch struct {
	Workflow string `json:"workflow,omitempty"`
	Job      string `json:"job,omitempty"`
}

// Expect says which jobs a suite must have.
type Expect struct {
	Jobs  []string `json:"jobs,omitempty"`
	Count *int32   `json:"count,omitempty"`
}

// CheckSpec names a check of another app.
type CheckSpec struct {
	Name string `json:"name"`
	App  string `json:"app,omitempty"`
}

// ArtifactsSpec says which artifacts matter.
type ArtifactsSpec struct {
	MustGather       []string `json:"mustGather,omitempty"`
	TestReports      []string `json:"testReports,omitempty"`
	MaxArtifactBytes int64    `json:"maxArtifactBytes,omitempty"`
	MaxLogBytes      *int64   `json:"maxLogBytes,omitempty"`
}

// LocalResult is what a developer saw.
type LocalResult struct {
	Suite    string       `json:"suite"`
	Total    *int64       `json:"total,omitempty"`
	Passed   *int64       `json:"passed,omitempty"`
	Failed   *int64       `json:"failed,omitempty"`
	Skipped  *int64       `json:"skipped,omitempty"`
	Flaked   *int64       `json:"flaked,omitempty"`
	Commit   string       `json:"commit,omitempty"`
	Reporter string       `json:"reporter,omitempty"`
	Time     *metav1.Time `json:"time,omitempty"`
}

// GateSpec decides how the verdict is made.
type GateSpec struct {
	Mode            string      `json:"mode,omitempty"`
	Allow           []Allowance `json:"allow,omitempty"`
	SettleSeconds   *int64      `json:"settleSeconds,omitempty"`
	DeadlineSeconds *int64      `json:"deadlineSeconds,omitempty"`
}

// Allowance lets a job be skipped or neutral.
type Allowance struct {
	Job    string   `json:"job"`
	States []string `json:"states"`
	Reason string   `json:"reason"`
}

// Waiver excuses a failure.
type Waiver struct {
	Job       string      `json:"job,omitempty"`
	Test      string      `json:"test,omitempty"`
	Reason    string      `json:"reason"`
	Approver  string      `json:"approver"`
	Ticket    string      `json:"ticket,omitempty"`
	ExpiresAt metav1.Time `json:"expiresAt"`
}

// TestRunReportStatus is the result.
type TestRunReportStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Phase              string             `json:"phase,omitempty"`
	Source             *SourceStatus      `json:"source,omitempty"`
	Summary            *Summary           `json:"summary,omitempty"`
	Suites             []SuiteStatus      `json:"suites,omitempty"`
	Failures           []Failure          `json:"failures,omitempty"`
	Assessment         *Assessment        `json:"assessment,omitempty"`
	Recommendation     *Recommendation    `json:"recommendation,omitempty"`
	Transitions        []Transition       `json:"transitions,omitempty"`
	Notes              []string           `json:"notes,omitempty"`
	CompletedAt        *metav1.Time       `json:"completedAt,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

// SourceStatus is the commit as resolved.
type SourceStatus struct {
	Repository   string       `json:"repository"`
	RepositoryID int64        `json:"repositoryId,omitempty"`
	SHA          string       `json:"sha"`
	ShortSHA     string       `json:"shortSha"`
	Branch       string       `json:"branch,omitempty"`
	BaseBranch   string       `json:"baseBranch,omitempty"`
	PullRequest  *int64       `json:"pullRequest,omitempty"`
	Title        string       `json:"title,omitempty"`
	URL          string       `json:"url,omitempty"`
	ResolvedAt   *metav1.Time `json:"resolvedAt,omitempty"`
	RunsDisplay  string       `json:"runsDisplay,omitempty"`
	RunsTotal    int64        `json:"runsTotal"`
	Runs         []RunStatus  `json:"runs"`
	Digest       string       `json:"digest,omitempty"`
}

// RunStatus is a workflow run.
type RunStatus struct {
	ID       int64  `json:"id"`
	Attempt  int64  `json:"attempt"`
	Workflow string `json:"workflow"`
	Event    string `json:"event"`
	Result   string `json:"result"`
	URL      string `json:"url"`
	SetAside string `json:"setAside,omitempty"`
}

// Summary counts.
type Summary struct {
	Jobs              JobCounts  `json:"jobs"`
	Tests             TestCounts `json:"tests"`
	Failing           int64      `json:"failing"`
	Artifacts         int64      `json:"artifacts"`
	FailuresTotal     int64      `json:"failuresTotal"`
	FailingTestsTotal int64      `json:"failingTestsTotal"`
}

// JobCounts counts jobs by state.
type JobCounts struct {
	Display        string `json:"display"`
	Total          int64  `json:"total"`
	Succeeded      int64  `json:"succeeded"`
	Failed         int64  `json:"failed,omitempty"`
	Cancelled      int64  `json:"cancelled,omitempty"`
	Skipped        int64  `json:"skipped,omitempty"`
	Neutral        int64  `json:"neutral,omitempty"`
	ActionRequired int64  `json:"actionRequired,omitempty"`
	Running        int64  `json:"running,omitempty"`
	Missing        int64  `json:"missing,omitempty"`
	Unknown        int64  `json:"unknown,omitempty"`
	PassRate       *int64 `json:"passRate,omitempty"`
}

// TestCounts counts tests by state.
type TestCounts struct {
	Display string `json:"display,omitempty"`
	Total   int64  `json:"total"`
	Passed  int64  `json:"passed"`
	Failed  int64  `json:"failed,omitempty"`
}

// SuiteStatus is a suite and its jobs.
type SuiteStatus struct {
	Name         string      `json:"name"`
	Policy       string      `json:"policy"`
	State        string      `json:"state"`
	Passed       int64       `json:"passed"`
	Total        int64       `json:"total"`
	PassRate     *int64      `json:"passRate,omitempty"`
	CriticalPath bool        `json:"criticalPath,omitempty"`
	Jobs         []JobStatus `json:"jobs"`
	JobsOmitted  int64       `json:"jobsOmitted,omitempty"`
}

// JobStatus is one job.
type JobStatus struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName,omitempty"`
	State       string `json:"state"`
	Detail      string `json:"detail,omitempty"`
	ID          *int64 `json:"id,omitempty"`
	RunID       *int64 `json:"runId,omitempty"`
	Attempt     int64  `json:"attempt,omitempty"`
	App         string `json:"app,omitempty"`
	Seconds     *int64 `json:"seconds,omitempty"`
	Note        string `json:"note,omitempty"`
}

// Failure is a failed job.
type Failure struct {
	Suite       string `json:"suite"`
	Job         string `json:"job"`
	State       string `json:"state"`
	JobID       *int64 `json:"jobId,omitempty"`
	RunID       *int64 `json:"runId,omitempty"`
	URL         string `json:"url,omitempty"`
	Step        string `json:"step,omitempty"`
	Message     string `json:"message,omitempty"`
	Consequence bool   `json:"consequence,omitempty"`
}

// Assessment says how sure the report is.
type Assessment struct {
	Confidence int64    `json:"confidence"`
	Risk       string   `json:"risk"`
	Rationale  []string `json:"rationale"`
}

// Recommendation says what to do.
type Recommendation struct {
	Action  string         `json:"action"`
	Summary string         `json:"summary"`
	Options []ActionOption `json:"options"`
}

// ActionOption is one thing that can be done.
type ActionOption struct {
	Action      string   `json:"action"`
	Description string   `json:"description"`
	Commands    []string `json:"commands,omitempty"`
	Recommended bool     `json:"recommended"`
}

// Transition is a change of the verdict.
type Transition struct {
	Time    metav1.Time `json:"time"`
	Passed  string      `json:"passed"`
	Reason  string      `json:"reason"`
	SHA     string      `json:"sha"`
	Message string      `json:"message,omitempty"`
}
