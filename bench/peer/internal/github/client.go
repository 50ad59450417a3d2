package github

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	perPage = 100
	// maxBody bounds one answer, as it comes from outside.
	maxBody = 32 << 20
	// maxPages bounds one list.
	maxPages = 30
)

// Client reads one API address with one credential. It asks conditionally: a 304 does not count
// against GitHub's rate limit.
type Client struct {
	base  string
	token string
	http  *http.Client
	etags *lru.Cache[string, tagged]
}

type tagged struct {
	etag string
	body []byte
}

// Error is an answer that is no success.
type Error struct {
	Status int
	Path   string
}

func (e *Error) Error() string { return fmt.Sprintf("GET %s: HTTP status %d", e.Path, e.Status) }

// NewClient makes a client that keeps `connections` connections alive.
func NewClient(base, token string, connections int) (*Client, error) {
	// About 16 MiB of bodies.
	etags, err := lru.New[string, tagged](512)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		// The default of two makes a new connection for almost every request of eight workers.
		MaxIdleConnsPerHost: connections,
		MaxIdleConns:        connections,
		IdleConnTimeout:     90 * time.Second,
		ForceAttemptHTTP2:   true,
	}
	return &Client{
		base:  strings.TrimRight(base, "/"),
		token: token,
		http:  &http.Client{Transport: transport, Timeout: 30 * time.Second},
		etags: etags,
	}, nil
}

// get reads one document. The time is GitHub's clock.
func (c *Client) get(ctx context.Context, path string, into any) (time.Time, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return time.Time{}, err
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("User-Agent", "testrun-peer")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	known, have := c.etags.Get(path)
	if have {
		request.Header.Set("If-None-Match", known.etag)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return time.Time{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return time.Time{}, fmt.Errorf("GET %s: %w", path, err)
	}
	if len(body) > maxBody {
		return time.Time{}, fmt.Errorf("GET %s: larger than %d bytes", path, maxBody)
	}
	switch {
	case response.StatusCode == http.StatusNotModified && have:
		body = known.body
	case response.StatusCode == http.StatusOK:
		if etag := response.Header.Get("ETag"); etag != "" {
			c.etags.Add(path, tagged{etag: etag, body: body})
		}
	default:
		return time.Time{}, &Error{Status: response.StatusCode, Path: path}
	}
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		date = time.Now()
	}
	if err := json.Unmarshal(body, into); err != nil {
		return time.Time{}, fmt.Errorf("GET %s: %w", path, err)
	}
	return date, nil
}

// Repo reads one repository.
type Repo struct {
	client *Client
	root   string
}

// Repo returns a reader of one repository.
func (c *Client) Repo(name string) Repo {
	return Repo{client: c, root: "/repos/" + name}
}

// Repository reads the repository itself.
func (r Repo) Repository(ctx context.Context) (Repository, error) {
	var out Repository
	_, err := r.client.get(ctx, r.root, &out)
	return out, err
}

// PullRequest reads a pull request.
func (r Repo) PullRequest(ctx context.Context, number int64) (PullRequest, error) {
	var out PullRequest
	_, err := r.client.get(ctx, fmt.Sprintf("%s/pulls/%d", r.root, number), &out)
	return out, err
}

// Commit reads a commit.
func (r Repo) Commit(ctx context.Context, sha string) (Commit, error) {
	var out Commit
	_, err := r.client.get(ctx, r.root+"/commits/"+url.PathEscape(sha), &out)
	return out, err
}

// Branch reads a branch.
func (r Repo) Branch(ctx context.Context, name string) (Branch, error) {
	var out Branch
	_, err := r.client.get(ctx, r.root+"/branches/"+url.PathEscape(name), &out)
	return out, err
}

// Rules reads the rules of a branch.
func (r Repo) Rules(ctx context.Context, branch string) ([]Rule, error) {
	return plain[Rule](ctx, r.client, r.root+"/rules/branches/"+url.PathEscape(branch))
}

// Runs reads all workflow runs of a commit, and GitHub's time.
func (r Repo) Runs(ctx context.Context, sha string) ([]Run, time.Time, error) {
	path := fmt.Sprintf("%s/actions/runs?head_sha=%s&exclude_pull_requests=true", r.root, url.QueryEscape(sha))
	return list[Run](ctx, r.client, path)
}

// RecentRuns reads the newest runs of a branch or event: one page.
func (r Repo) RecentRuns(ctx context.Context, filter, value string) ([]Run, error) {
	var page struct {
		WorkflowRuns []Run `json:"workflow_runs"`
	}
	path := fmt.Sprintf("%s/actions/runs?%s=%s&exclude_pull_requests=true&per_page=%d",
		r.root, filter, url.QueryEscape(value), perPage)
	_, err := r.client.get(ctx, path, &page)
	return page.WorkflowRuns, err
}

// Jobs reads the jobs of all attempts of a run.
func (r Repo) Jobs(ctx context.Context, run int64) ([]Job, error) {
	jobs, _, err := list[Job](ctx, r.client, fmt.Sprintf("%s/actions/runs/%d/jobs?filter=all", r.root, run))
	return jobs, err
}

// Artifacts reads the artifacts of a run.
func (r Repo) Artifacts(ctx context.Context, run int64) ([]Artifact, error) {
	all, _, err := list[Artifact](ctx, r.client, fmt.Sprintf("%s/actions/runs/%d/artifacts", r.root, run))
	return all, err
}

// CheckRuns reads the check runs of all apps.
func (r Repo) CheckRuns(ctx context.Context, sha string) ([]CheckRun, error) {
	path := fmt.Sprintf("%s/commits/%s/check-runs?filter=all", r.root, url.PathEscape(sha))
	all, _, err := list[CheckRun](ctx, r.client, path)
	return all, err
}

// Statuses reads the commit statuses.
func (r Repo) Statuses(ctx context.Context, sha string) ([]Status, error) {
	return plain[Status](ctx, r.client, fmt.Sprintf("%s/commits/%s/statuses", r.root, url.PathEscape(sha)))
}

// Annotations reads the annotations of a check run.
func (r Repo) Annotations(ctx context.Context, id int64) ([]Annotation, error) {
	var out []Annotation
	_, err := r.client.get(ctx, fmt.Sprintf("%s/check-runs/%d/annotations?per_page=%d", r.root, id, perPage), &out)
	return out, err
}

// counted is a page of any counted list: one of its fields is there.
type counted[T any] struct {
	TotalCount   int `json:"total_count"`
	WorkflowRuns []T `json:"workflow_runs"`
	Jobs         []T `json:"jobs"`
	CheckRuns    []T `json:"check_runs"`
	Artifacts    []T `json:"artifacts"`
}

func (c counted[T]) items() []T {
	for _, items := range [][]T{c.WorkflowRuns, c.Jobs, c.CheckRuns, c.Artifacts} {
		if len(items) > 0 {
			return items
		}
	}
	return nil
}

// list reads all pages of a counted list.
func list[T any](ctx context.Context, c *Client, path string) ([]T, time.Time, error) {
	joint := "?"
	if strings.Contains(path, "?") {
		joint = "&"
	}
	var all []T
	for page := 1; page <= maxPages; page++ {
		var counted counted[T]
		address := path + joint + "per_page=" + strconv.Itoa(perPage) + "&page=" + strconv.Itoa(page)
		date, err := c.get(ctx, address, &counted)
		if err != nil {
			return nil, date, err
		}
		items := counted.items()
		if all == nil {
			all = items
		} else {
			all = append(all, items...)
		}
		if len(items) < perPage {
			if len(all) < counted.TotalCount {
				return nil, date, fmt.Errorf("GET %s: lists %d of %d entries", address, len(all), counted.TotalCount)
			}
			return all, date, nil
		}
	}
	return nil, time.Time{}, fmt.Errorf("GET %s: more than %d pages", path, maxPages)
}

// plain reads all pages of a list without a total.
func plain[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	var all []T
	for page := 1; page <= maxPages; page++ {
		var items []T
		if _, err := c.get(ctx, fmt.Sprintf("%s?per_page=%d&page=%d", path, perPage, page), &items); err != nil {
			return nil, err
		}
		all = append(all, items...)
		if len(items) < perPage {
			return all, nil
		}
	}
	return nil, fmt.Errorf("GET %s: more than %d pages", path, maxPages)
}
