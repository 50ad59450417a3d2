package controller

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	testrunv1alpha1 "testrun.dev/operator/bench/peer/api/v1alpha1"
	"testrun.dev/operator/bench/peer/internal/github"
	"testrun.dev/operator/bench/peer/internal/verdict"
)

// what of a report has to be the same: what programs read, and what people read first.
type essence struct {
	Phase, SHA string
	Conditions map[string][2]string
	Jobs       testrunv1alpha1.JobCounts
	Suites     []suiteEssence
	Runs       []testrunv1alpha1.RunStatus
	Failures   map[string]string
}

type suiteEssence struct {
	Name, Policy, State string
	Passed, Total       int64
	Jobs                []testrunv1alpha1.JobStatus
}

func of(status *testrunv1alpha1.TestRunReportStatus) essence {
	out := essence{
		Phase: status.Phase, SHA: status.Source.SHA, Jobs: status.Summary.Jobs, Runs: status.Source.Runs,
		Conditions: map[string][2]string{}, Failures: map[string]string{},
	}
	for _, condition := range status.Conditions {
		out.Conditions[condition.Type] = [2]string{string(condition.Status), condition.Reason}
	}
	for _, failure := range status.Failures {
		out.Failures[failure.Job] = failure.State + " " + failure.Step
	}
	for _, suite := range status.Suites {
		out.Suites = append(out.Suites, suiteEssence{suite.Name, suite.Policy, suite.State, suite.Passed, suite.Total, suite.Jobs})
	}
	return out
}

// The expected reports are what the operator itself makes of the same scripted GitHub. Both are given
// by the test of the operator that runs this one: cargo test --test it bench::
func TestTheVerdictIsTheOperators(t *testing.T) {
	url, folder := os.Getenv("BENCH_GITHUB"), os.Getenv("BENCH_EXPECTED")
	if url == "" || folder == "" {
		t.Skip("BENCH_GITHUB and BENCH_EXPECTED are not set; run: cargo test --test it bench::")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) < 8 {
		t.Fatalf("expected a report of every state in %s, found %d: %v", folder, len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var expected testrunv1alpha1.TestRunReport
			if err := json.Unmarshal(text, &expected); err != nil {
				t.Fatal(err)
			}
			client, err := github.NewClient(url, "token", 8)
			if err != nil {
				t.Fatal(err)
			}
			collector, err := NewCollector(client)
			if err != nil {
				t.Fatal(err)
			}
			facts, err := collector.Collect(context.Background(), &expected.Spec.Source.GitHub)
			if err != nil {
				t.Fatal(err)
			}
			report := testrunv1alpha1.TestRunReport{ObjectMeta: expected.ObjectMeta, Spec: expected.Spec}
			status, _, err := verdict.Evaluate(&report, facts, metav1.Now())
			if err != nil {
				t.Fatal(err)
			}
			if got, want := of(&status), of(&expected.Status); !reflect.DeepEqual(got, want) {
				g, _ := json.MarshalIndent(got, "", " ")
				w, _ := json.MarshalIndent(want, "", " ")
				t.Errorf("the peer says\n%s\nthe operator says\n%s", g, w)
			}
			// The same facts again give the same status: nothing would be written.
			report.Status = status
			again, _, err := verdict.Evaluate(&report, facts, metav1.Now())
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(again, status) {
				t.Error("a second look at the same facts gives another status")
			}
		})
	}
}
