package verdict

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	testrunv1alpha1 "testrun.dev/operator/bench/peer/api/v1alpha1"
	"testrun.dev/operator/bench/peer/internal/github"
)

// item is one job, check or expectation.
type item struct {
	run       *Run
	job       *github.Job
	check     *Check
	name      string
	state     State
	note      string
	suite     int
	required  bool
	aggregate bool
	// recovered tells that an older attempt failed.
	recovered   bool
	consequence bool
}

// open tells that an item may still change by itself.
func (i *item) open(overdue bool) bool {
	switch i.state {
	case Running:
		return true
	case Missing, ActionRequired:
		return !overdue
	}
	return false
}

// red tells that an item fails the verdict if it counts.
func (i *item) red(overdue bool) bool {
	switch i.state {
	case Failed, Cancelled, Skipped, Neutral:
		return true
	case Missing, ActionRequired:
		return overdue
	}
	return false
}

var aggregateName = regexp.MustCompile(`(?i)^((.*[ /_-])?(test[ _-]?suite[ _-]?summary|test[ _-]?summary|ci[ _-]?summary|merge[ _-]?gate|all[ _-]?green|all[ _-]?checks([ _-]?pass(ed)?)?|all[ _-]?jobs([ _-]?pass(ed)?)?|ci[ _-]?(success|status|gate|ok|passed)|required[ _-]?checks|alls[ _-]?green)|summary|gate|conclusion|success|done)$`)

// jobs selects, of all attempts of all runs, the jobs that count: of a workflow and event the newest
// run, of a job the newest attempt.
func jobs(facts *Facts) []item {
	type group struct {
		workflow int64
		event    string
	}
	groups := map[group][]*Run{}
	for n := range facts.Runs {
		run := &facts.Runs[n]
		if run.HeadSHA == facts.SHA {
			key := group{run.WorkflowID, run.Event}
			groups[key] = append(groups[key], run)
		}
	}
	var out []item
	for _, runs := range groups {
		newest := slices.MaxFunc(runs, func(a, b *Run) int {
			return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
		})
		byName := map[string][]*github.Job{}
		for n := range newest.Jobs {
			job := &newest.Jobs[n]
			byName[job.Name] = append(byName[job.Name], job)
		}
		for name, all := range byName {
			last := slices.MaxFunc(all, func(a, b *github.Job) int { return cmp.Compare(a.RunAttempt, b.RunAttempt) })
			state := StateOf(last.Status, last.Conclusion)
			failedBefore := slices.ContainsFunc(all, func(job *github.Job) bool {
				return job.RunAttempt < last.RunAttempt && StateOf(job.Status, job.Conclusion) == Failed
			})
			out = append(out, item{
				run: newest, job: last, name: name, state: state,
				aggregate: aggregateName.MatchString(strings.TrimSpace(name)),
				recovered: failedBefore && state == Succeeded,
			})
		}
		if len(newest.Jobs) == 0 {
			state := StateOf(newest.Status, newest.Conclusion)
			if state == Succeeded {
				state = Missing
			}
			out = append(out, item{run: newest, name: newest.Name, state: state, note: fmt.Sprintf("run %d has no jobs", newest.ID)})
		}
	}
	slices.SortFunc(out, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.run.Name, b.run.Name), cmp.Compare(a.name, b.name), cmp.Compare(a.run.ID, b.run.ID))
	})
	return out
}

// suite is a suite of the report.
type suite struct {
	name         string
	required     bool
	criticalPath bool
}

// base is the name of a job without its matrix values.
func base(name string) string {
	before, _, _ := strings.Cut(name, " (")
	if before = strings.TrimSpace(before); before != "" {
		return before
	}
	return name
}

// matcher finds the suite of a job; suites of the spec come first.
type matcher struct {
	suites []suite
	specs  [][]match
	byKey  map[[2]string]int
	byName map[string]int
}

type match struct{ workflow, job *regexp.Regexp }

func newMatcher(spec *testrunv1alpha1.TestRunReportSpec, items []item) (*matcher, error) {
	m := &matcher{byKey: map[[2]string]int{}, byName: map[string]int{}}
	for n, s := range spec.Suites {
		var all []match
		for k, entry := range s.Match {
			var one match
			var err error
			if entry.Workflow != "" {
				if one.workflow, err = regexp.Compile("(?i)" + entry.Workflow); err != nil {
					return nil, fmt.Errorf("spec.suites[%d].match[%d].workflow: %w", n, k, err)
				}
			}
			if entry.Job != "" {
				if one.job, err = regexp.Compile("(?i)" + entry.Job); err != nil {
					return nil, fmt.Errorf("spec.suites[%d].match[%d].job: %w", n, k, err)
				}
			}
			all = append(all, one)
		}
		m.suites = append(m.suites, suite{name: s.Name, required: s.Policy != "Informational", criticalPath: s.CriticalPath})
		m.byName[s.Name] = n
		m.specs = append(m.specs, all)
	}
	if len(spec.Suites) > 0 {
		return m, nil
	}
	// Jobs of one matrix are a suite; jobs that stand alone are in the suite of their workflow.
	sizes := map[[2]string]int{}
	for n := range items {
		sizes[[2]string{items[n].run.Name, base(items[n].name)}]++
	}
	owners := map[string]int{}
	keys := make([][2]string, 0, len(sizes))
	for key, size := range sizes {
		keys = append(keys, key)
		if size > 1 {
			owners[key[1]]++
		}
	}
	slices.SortFunc(keys, func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	for _, key := range keys {
		name := key[0]
		if sizes[key] > 1 {
			name = key[1]
			if owners[name] > 1 {
				name = key[0] + ": " + key[1]
			}
		}
		m.byKey[key] = m.named(name)
	}
	return m, nil
}

func (m *matcher) named(name string) int {
	at, known := m.byName[name]
	if !known {
		at = len(m.suites)
		m.suites = append(m.suites, suite{name: name, required: true})
		m.byName[name] = at
	}
	return at
}

func (m *matcher) of(workflow, path, name string) int {
	for n, entries := range m.specs {
		for _, entry := range entries {
			if (entry.workflow == nil || entry.workflow.MatchString(workflow) || entry.workflow.MatchString(path)) &&
				(entry.job == nil || entry.job.MatchString(name)) {
				return n
			}
		}
	}
	if len(m.specs) > 0 {
		return m.named("Unmatched")
	}
	if at, known := m.byKey[[2]string{workflow, base(name)}]; known {
		return at
	}
	if workflow == "" {
		workflow = "Required checks"
	}
	return m.named(workflow)
}

// items makes the list of all that the verdict looks at, with the suites.
func items(spec *testrunv1alpha1.TestRunReportSpec, facts *Facts) ([]item, []suite, error) {
	list := jobs(facts)
	suites, err := newMatcher(spec, list)
	if err != nil {
		return nil, nil, err
	}
	for n := range list {
		i := &list[n]
		i.suite = suites.of(i.run.Name, i.run.Path, i.name)
		i.required = suites.suites[i.suite].required
	}
	for n := range facts.Checks {
		check := &facts.Checks[n]
		list = append(list, item{check: check, name: check.Name, state: check.State, suite: suites.named("Checks"), required: true})
	}
	for _, workflow := range facts.Baseline {
		if workflow.NotForThisEvent {
			continue
		}
		for _, name := range workflow.Jobs {
			there := slices.ContainsFunc(list, func(i item) bool {
				return i.name == name && i.run != nil && i.run.Path == workflow.Path
			})
			if there {
				continue
			}
			at := suites.of(workflow.Name, workflow.Path, name)
			list = append(list, item{
				name: name, state: Missing, suite: at, required: suites.suites[at].required,
				aggregate: aggregateName.MatchString(name),
				note:      fmt.Sprintf("the last green commit of %s (%s) had it", facts.BaseBranch, short(workflow.SHA)),
			})
		}
	}
	for _, required := range facts.Required {
		there := false
		for n := range list {
			i := &list[n]
			fits := i.name == required.Name && (required.AppID == 0 ||
				i.job != nil && required.AppID == ActionsAppID || i.check != nil && i.check.AppID == required.AppID ||
				i.state == Missing)
			if fits {
				there, i.required = true, true
			}
		}
		if !there {
			list = append(list, item{
				name: required.Name, state: Missing, suite: suites.named("Required checks"), required: true,
				note: "the base branch requires it",
			})
		}
	}
	broken := map[int64]bool{}
	for n := range list {
		if i := &list[n]; i.run != nil && !i.aggregate && (i.state == Failed || i.state == Cancelled) {
			broken[i.run.ID] = true
		}
	}
	for n := range list {
		if i := &list[n]; i.run != nil && i.state == Skipped && broken[i.run.ID] {
			i.consequence = true
			i.note = "skipped, as a consequence of another failure in its run"
		}
	}
	return list, suites.suites, nil
}

func short(sha string) string { return sha[:min(8, len(sha))] }

func seconds(from, to *time.Time) *int64 {
	if from == nil || to == nil {
		return nil
	}
	n := max(int64(to.Sub(*from).Seconds()), 0)
	return &n
}
