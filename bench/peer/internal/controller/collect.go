package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/errgroup"

	testrunv1alpha1 "testrun.dev/operator/bench/peer/api/v1alpha1"
	"testrun.dev/operator/bench/peer/internal/github"
	"testrun.dev/operator/bench/peer/internal/verdict"
)

const (
	// rememberedRuns is how many completed runs keep their jobs: they cannot change any more.
	rememberedRuns = 2048
	// parallel is how many requests one look sends at the same time.
	parallel = 5
	// enoughCommits of others must have run for pull requests to tell which workflows do not.
	enoughCommits = 3
)

// Collector reads the facts of a commit.
type Collector struct {
	client *github.Client
	jobs   *lru.Cache[runKey, []github.Job]
}

type runKey struct {
	id, attempt int64
	updated     time.Time
}

// NewCollector makes a collector.
func NewCollector(client *github.Client) (*Collector, error) {
	jobs, err := lru.New[runKey, []github.Job](rememberedRuns)
	if err != nil {
		return nil, err
	}
	return &Collector{client: client, jobs: jobs}, nil
}

// Collect looks at the commit that a source names.
func (c *Collector) Collect(ctx context.Context, source *testrunv1alpha1.GitHubSource) (*verdict.Facts, error) {
	repo := c.client.Repo(source.Repository)
	facts, err := c.resolve(ctx, repo, source)
	if err != nil {
		return nil, err
	}
	listed, _, err := repo.Runs(ctx, facts.SHA)
	if err != nil {
		return nil, err
	}
	annotated, err := c.checks(ctx, repo, facts)
	if err != nil {
		return nil, err
	}
	facts.Runs = make([]verdict.Run, len(listed))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for n := range listed {
		group.Go(func() error {
			jobs, err := c.jobsOf(inner, repo, &listed[n])
			facts.Runs[n] = verdict.Run{Run: listed[n], Jobs: jobs}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := c.expectations(ctx, repo, facts); err != nil {
		return nil, err
	}
	for n := range facts.Runs {
		run := &facts.Runs[n]
		// The bundles of failed jobs; the peer only looks whether the list can be read.
		if _, err := repo.Artifacts(ctx, run.ID); err != nil {
			return nil, err
		}
		for k := range run.Jobs {
			job := &run.Jobs[k]
			if !annotated[job.ID] || job.Status != "completed" {
				continue
			}
			list, err := repo.Annotations(ctx, job.ID)
			if err != nil {
				return nil, err
			}
			if run.Annotations == nil {
				run.Annotations = map[int64][]github.Annotation{}
			}
			run.Annotations[job.ID] = list
		}
	}
	again, date, err := repo.Runs(ctx, facts.SHA)
	if err != nil {
		return nil, err
	}
	facts.Confirmed = slices.EqualFunc(listed, again, func(a, b github.Run) bool {
		return a.ID == b.ID && a.RunAttempt == b.RunAttempt && a.Status == b.Status && a.Conclusion == b.Conclusion
	})
	facts.ReadAt = date
	return facts, nil
}

func (c *Collector) resolve(ctx context.Context, repo github.Repo, source *testrunv1alpha1.GitHubSource) (*verdict.Facts, error) {
	if source.PullRequest != nil {
		pull, err := repo.PullRequest(ctx, *source.PullRequest)
		if err != nil {
			return nil, err
		}
		if pull.Base.Repo == nil {
			return nil, fmt.Errorf("pull request %d has no repository", pull.Number)
		}
		return &verdict.Facts{
			Repository: *pull.Base.Repo, Pull: &pull, SHA: pull.Head.SHA, Branch: pull.Head.Ref, BaseBranch: pull.Base.Ref,
			Title: pull.Title, URL: pull.HTMLURL, Fork: pull.Head.Repo == nil || pull.Head.Repo.ID != pull.Base.Repo.ID,
		}, nil
	}
	if source.SHA == "" {
		return nil, errors.New("spec.source.github: the peer reads pullRequest and sha")
	}
	repository, err := repo.Repository(ctx)
	if err != nil {
		return nil, err
	}
	commit, err := repo.Commit(ctx, source.SHA)
	if err != nil {
		return nil, err
	}
	return &verdict.Facts{Repository: repository, SHA: commit.SHA, BaseBranch: repository.DefaultBranch, URL: commit.HTMLURL}, nil
}

// checks reads check runs of other apps and commit statuses, and tells which jobs have annotations.
func (c *Collector) checks(ctx context.Context, repo github.Repo, facts *verdict.Facts) (map[int64]bool, error) {
	annotated := map[int64]bool{}
	runs, err := repo.CheckRuns(ctx, facts.SHA)
	if err != nil {
		return nil, err
	}
	for n := range runs {
		run := &runs[n]
		if run.Output.AnnotationsCount > 0 {
			annotated[run.ID] = true
		}
		if run.App != nil && run.App.Slug == "github-actions" {
			continue
		}
		check := verdict.Check{
			ID: run.ID, Name: run.Name, State: verdict.StateOf(run.Status, run.Conclusion),
			At: run.StartedAt, CompletedAt: run.CompletedAt, URL: run.HTMLURL,
		}
		if run.App != nil {
			check.App, check.AppID = run.App.Slug, run.App.ID
		}
		facts.Checks = append(facts.Checks, check)
	}
	statuses, err := repo.Statuses(ctx, facts.SHA)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, status := range statuses {
		// The newest comes first.
		if seen[status.Context] {
			continue
		}
		seen[status.Context] = true
		state := verdict.StateOf("completed", status.State)
		if status.State == "pending" {
			state = verdict.Running
		}
		facts.Checks = append(facts.Checks, verdict.Check{
			ID: status.ID, Status: true, Name: status.Context, State: state, At: status.UpdatedAt, URL: status.TargetURL,
		})
	}
	return annotated, nil
}

func (c *Collector) jobsOf(ctx context.Context, repo github.Repo, run *github.Run) ([]github.Job, error) {
	key := runKey{id: run.ID, attempt: run.RunAttempt, updated: run.UpdatedAt}
	if run.Status == "completed" {
		if jobs, known := c.jobs.Get(key); known {
			return jobs, nil
		}
	}
	jobs, err := repo.Jobs(ctx, run.ID)
	if err == nil && run.Status == "completed" {
		c.jobs.Add(key, jobs)
	}
	return jobs, err
}

// expectations reads what must be there: what the base branch requires, and what its last green commit had.
func (c *Collector) expectations(ctx context.Context, repo github.Repo, facts *verdict.Facts) error {
	rules, err := repo.Rules(ctx, facts.BaseBranch)
	if err != nil && !notFound(err) {
		return err
	}
	require := func(name string, app *int64) {
		required := verdict.Required{Name: name}
		if app != nil && *app > 0 {
			required.AppID = *app
		}
		if name != "" && !slices.Contains(facts.Required, required) {
			facts.Required = append(facts.Required, required)
		}
	}
	for _, rule := range rules {
		for _, check := range rule.Parameters.RequiredStatusChecks {
			require(check.Context, check.IntegrationID)
		}
	}
	branch, err := repo.Branch(ctx, facts.BaseBranch)
	if err != nil && !notFound(err) {
		return err
	}
	for _, check := range branch.Protection.RequiredStatusChecks.Checks {
		require(check.Context, check.AppID)
	}
	runs, err := repo.RecentRuns(ctx, "branch", facts.BaseBranch)
	if err != nil {
		return err
	}
	newest := map[int64]*github.Run{}
	for n := range runs {
		run := &runs[n]
		if run.HeadBranch == facts.BaseBranch && run.HeadSHA != facts.SHA && run.Event == "push" && run.Conclusion == "success" {
			if old := newest[run.WorkflowID]; old == nil || run.CreatedAt.After(old.CreatedAt) {
				newest[run.WorkflowID] = run
			}
		}
	}
	var ranForPulls map[int64]bool
	if facts.Pull != nil {
		others, err := repo.RecentRuns(ctx, "event", "pull_request")
		if err != nil {
			return err
		}
		commits, workflows := map[string]bool{}, map[int64]bool{}
		for _, run := range others {
			if run.HeadSHA != facts.SHA && run.HeadBranch != facts.Branch {
				commits[run.HeadSHA], workflows[run.WorkflowID] = true, true
			}
		}
		if len(commits) >= enoughCommits {
			ranForPulls = workflows
		}
	}
	for _, run := range newest {
		jobs, err := c.jobsOf(ctx, repo, run)
		if err != nil {
			return err
		}
		path, _, _ := strings.Cut(run.Path, "@")
		workflow := verdict.BaselineWorkflow{
			Name: run.Name, Path: path, SHA: run.HeadSHA,
			NotForThisEvent: ranForPulls != nil && !ranForPulls[run.WorkflowID],
		}
		for k := range jobs {
			if jobs[k].Conclusion == "success" {
				workflow.Jobs = append(workflow.Jobs, jobs[k].Name)
			}
		}
		slices.Sort(workflow.Jobs)
		facts.Baseline = append(facts.Baseline, workflow)
	}
	slices.SortFunc(facts.Baseline, func(a, b verdict.BaselineWorkflow) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

func notFound(err error) bool {
	var status *github.Error
	return errors.As(err, &status) && status.Status == http.StatusNotFound
}
