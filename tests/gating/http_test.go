package gating

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/argoproj/argo-rollouts/metricproviders/webmetric"
	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	analysisutil "github.com/argoproj/argo-rollouts/utils/analysis"
	"github.com/expr-lang/expr"
	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const sha = "0123456789abcdef0123456789abcdef01234567"

// told is what the operator answers about a state over HTTP: the code of the gate, and the JSON.
type told struct {
	Gate int            `json:"gate"`
	Body map[string]any `json:"body"`
}

func answer(t *testing.T, state string) told {
	t.Helper()
	var found told
	if err := json.Unmarshal(read(t, "verdicts/"+state+".json"), &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// operator answers as the operator does, for a token and a commit.
func operator(t *testing.T, found told) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if r.Header.Get("Authorization") != "Bearer token" && password != "token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		const report = "/apis/v1alpha1/namespaces/ci/testrunreports/pr-20"
		if r.URL.Query().Get("sha") != sha {
			t.Errorf("%s asks about another commit", r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case report + "/gate":
			w.WriteHeader(found.Gate)
		case report + "/verdict":
		default:
			t.Errorf("%s is not served", r.URL.Path)
		}
		if err := json.NewEncoder(w).Encode(found.Body); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// host puts the address of a server into the URL of an example.
func host(t *testing.T, example string, server *httptest.Server) string {
	t.Helper()
	at, err := url.Parse(example)
	if err != nil {
		t.Fatal(err)
	}
	at.Scheme, at.Host = "http", strings.TrimPrefix(server.URL, "http://")
	return at.String()
}

// Argo Rollouts: its own web metric, with the shipped template.
func measure(t *testing.T, found told, token string) v1alpha1.Measurement {
	t.Helper()
	var template v1alpha1.AnalysisTemplate
	decode(t, documents(t, examples+"/rollouts/analysistemplate-web.yaml")[0].Object, &template)
	value := func(text string) *string { return &text }
	args := []v1alpha1.Argument{
		{Name: "report", Value: value("pr-20")}, {Name: "commit", Value: value(sha)}, {Name: "token", Value: &token},
	}
	if len(args) != len(template.Spec.Args) {
		t.Fatalf("the template has %d arguments", len(template.Spec.Args))
	}
	metric, err := analysisutil.ResolveMetricArgs(template.Spec.Metrics[0], args)
	if err != nil {
		t.Fatal(err)
	}
	metric.Provider.Web.URL = host(t, metric.Provider.Web.URL, operator(t, found))
	client, err := webmetric.NewWebMetricHttpClient(*metric)
	if err != nil {
		t.Fatal(err)
	}
	parser, err := webmetric.NewWebMetricJsonParser(*metric)
	if err != nil {
		t.Fatal(err)
	}
	provider := webmetric.NewWebMetricProvider(*logrus.NewEntry(logrus.New()), client, parser)
	return provider.Run(&v1alpha1.AnalysisRun{}, *metric)
}

func TestRolloutsWebMetric(t *testing.T) {
	eachState(t, func(t *testing.T, _ *unstructured.Unstructured, want expectation) {
		got := measure(t, answer(t, stateOf(t)), "token")
		if string(got.Phase) != want.Rollouts {
			t.Errorf("got %s (%s), want %s", got.Phase, got.Message, want.Rollouts)
		}
	})
}

func TestRolloutsWithoutARightOrAVerdict(t *testing.T) {
	if got := measure(t, answer(t, "passed"), "wrong"); got.Phase != v1alpha1.AnalysisPhaseError {
		t.Errorf("a token that is not accepted: %s", got.Phase)
	}
	if got := measure(t, told{Body: map[string]any{"error": "no such report"}}, "token"); got.Phase == v1alpha1.AnalysisPhaseSuccessful {
		t.Errorf("JSON without a verdict: %s", got.Phase)
	}
}

// Kargo: the expressions of its http step, which are of the same language and see `response`.
func TestKargoHTTPStep(t *testing.T) {
	task := documents(t, examples+"/kargo/promotion-http.yaml")[0]
	steps, _, err := unstructured.NestedSlice(task.Object, "spec", "steps")
	if err != nil || len(steps) != 1 {
		t.Fatalf("steps: %v %v", steps, err)
	}
	config := steps[0].(map[string]any)["config"].(map[string]any)
	if at := config["url"].(string); !strings.HasSuffix(at, "/verdict?sha=${{ vars.commit }}") {
		t.Errorf("it asks %s", at)
	}
	holds := func(t *testing.T, name string, status int, body any) bool {
		t.Helper()
		response := map[string]any{"response": map[string]any{"status": status, "body": body, "headers": nil}}
		got, err := expr.Eval(config[name].(string), response)
		if err != nil {
			t.Fatal(err)
		}
		return got.(bool)
	}
	eachState(t, func(t *testing.T, _ *unstructured.Unstructured, want expectation) {
		body := answer(t, stateOf(t)).Body
		got := "wait"
		if holds(t, "failureExpression", 200, body) {
			got = "failed"
		}
		if holds(t, "successExpression", 200, body) {
			got += " and succeeded"
		}
		got = strings.TrimPrefix(got, "wait and ")
		if got != want.Kargo {
			t.Errorf("got %s, want %s", got, want.Kargo)
		}
	})
	refusal := map[string]any{"error": "who are you", "status": 401}
	if holds(t, "successExpression", 401, refusal) {
		t.Error("a refusal is a success")
	}
}

// Flagger posts to the URL with Go's client, which sends what the URL says of the user, and goes on with any
// answer of 2xx. Whoever can read only a code gets the same.
func TestGateByCode(t *testing.T) {
	canary := documents(t, examples+"/flagger/canary.yaml")[0]
	hooks, _, err := unstructured.NestedSlice(canary.Object, "spec", "analysis", "webhooks")
	if err != nil || len(hooks) != 1 {
		t.Fatalf("webhooks: %v %v", hooks, err)
	}
	hook := hooks[0].(map[string]any)
	if hook["type"] != "confirm-rollout" {
		t.Errorf("it is a %s", hook["type"])
	}
	template := strings.NewReplacer("TOKEN", "token", "shop-main", "pr-20").Replace(hook["url"].(string))
	eachState(t, func(t *testing.T, _ *unstructured.Unstructured, want expectation) {
		server := operator(t, answer(t, stateOf(t)))
		response, err := http.Post(host(t, template, server), "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != want.Gate {
			t.Errorf("%d, want %d", response.StatusCode, want.Gate)
		}
		if open := response.StatusCode < 300; open != (want.Script == 0) {
			t.Errorf("the code says %v, the script %d", open, want.Script)
		}
	})
}

// stateOf is the state that a subtest of eachState is about.
func stateOf(t *testing.T) string {
	t.Helper()
	return t.Name()[strings.LastIndex(t.Name(), "/")+1:]
}

func TestEveryStateHasItsAnswerOverHTTP(t *testing.T) {
	for name := range expectations(t) {
		if _, err := os.Stat(filepath.Join("verdicts", name+".json")); err != nil {
			t.Error(fmt.Errorf("cargo test --test it serve::states with UPDATE_GOLDEN=1 writes it: %w", err))
		}
	}
}
