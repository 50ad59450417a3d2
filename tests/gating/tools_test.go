// Package gating runs the code of the tools that read a TestRunReport over every state that a
// report can be in, and holds them to the answers in expected.yaml.
package gating

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	fluxstatus "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/yaml"
)

const (
	examples      = "../../examples/gating"
	customization = examples + "/argocd/resource_customizations/testrun.dev/TestRunReport"
)

// expectation is what each tool must say of a state.
type expectation struct {
	Kstatus string `json:"kstatus"`
	FluxCEL string `json:"fluxCEL"`
	ArgoCD  string `json:"argoCD"`
	Script  int    `json:"script"`
	// Over HTTP: the phase of a measurement, what the step does, the code.
	Rollouts string `json:"rollouts"`
	Kargo    string `json:"kargo"`
	Gate     int    `json:"gate"`
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// object decodes as a client does: whole numbers are int64, as kstatus wants them.
func object(t *testing.T, data []byte) *unstructured.Unstructured {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	found := &unstructured.Unstructured{}
	if err := found.UnmarshalJSON(asJSON); err != nil {
		t.Fatal(err)
	}
	return found
}

func expectations(t *testing.T) map[string]expectation {
	t.Helper()
	all := map[string]expectation{}
	if err := yaml.UnmarshalStrict(read(t, "expected.yaml"), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// eachState runs a test for each state; a state without an answer, or an answer without a state,
// is an error.
func eachState(t *testing.T, test func(t *testing.T, report *unstructured.Unstructured, want expectation)) {
	t.Helper()
	all := expectations(t)
	files, err := filepath.Glob("states/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no states: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		want, ok := all[name]
		if !ok {
			t.Errorf("expected.yaml has no answer for %s", file)
			continue
		}
		delete(all, name)
		t.Run(name, func(t *testing.T) { test(t, object(t, read(t, file)), want) })
	}
	for name := range all {
		t.Errorf("expected.yaml has an answer for %s, and there is no such state", name)
	}
}

func TestKstatus(t *testing.T) {
	eachState(t, func(t *testing.T, report *unstructured.Unstructured, want expectation) {
		upstream, err := status.Compute(report)
		if err != nil {
			t.Fatal(err)
		}
		if upstream.Status.String() != want.Kstatus {
			t.Errorf("sigs.k8s.io/cli-utils: got %s, want %s", upstream.Status, want.Kstatus)
		}
		fork, err := fluxstatus.Compute(report)
		if err != nil {
			t.Fatal(err)
		}
		if fork.Status.String() != want.Kstatus {
			t.Errorf("fluxcd/cli-utils: got %s, want %s", fork.Status, want.Kstatus)
		}
	})
}

// fluxEvaluator reads the expressions out of the shipped Kustomization.
func fluxEvaluator(t *testing.T) *cel.StatusEvaluator {
	t.Helper()
	var kustomization struct {
		Spec struct {
			HealthCheckExprs []kustomize.CustomHealthCheck `json:"healthCheckExprs"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(read(t, examples+"/flux/kustomization.yaml"), &kustomization); err != nil {
		t.Fatal(err)
	}
	if len(kustomization.Spec.HealthCheckExprs) != 1 {
		t.Fatalf("want one set of expressions, got %d", len(kustomization.Spec.HealthCheckExprs))
	}
	check := kustomization.Spec.HealthCheckExprs[0]
	if check.APIVersion != "testrun.dev/v1alpha1" || check.Kind != "TestRunReport" {
		t.Fatalf("the expressions are for %s %s", check.APIVersion, check.Kind)
	}
	evaluator, err := cel.NewStatusEvaluator(&check.HealthCheckExpressions)
	if err != nil {
		t.Fatal(err)
	}
	return evaluator
}

func TestFluxHealthCheckExpressions(t *testing.T) {
	evaluator := fluxEvaluator(t)
	eachState(t, func(t *testing.T, report *unstructured.Unstructured, want expectation) {
		result, err := evaluator.Evaluate(context.Background(), report)
		if err != nil {
			t.Fatal(err)
		}
		if result.Status.String() != want.FluxCEL {
			t.Errorf("got %s, want %s", result.Status, want.FluxCEL)
		}
	})
}

// health is what a health script returns.
type health struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// runLua runs a script with what Argo CD gives to scripts of users: the base, package and table
// libraries and one second. `string`, `math` and `io` are not there.
func runLua(script string, report *unstructured.Unstructured) (health, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
	} {
		call := lua.P{Fn: state.NewFunction(library.open), NRet: 0, Protect: true}
		if err := state.CallByParam(call, lua.LString(library.name)); err != nil {
			return health{}, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", toLua(state, report.Object))
	if err := state.DoString(script); err != nil {
		return health{}, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return health{}, fmt.Errorf("the script returned %s, not a table", state.Get(-1).Type())
	}
	return health{
		Status:  lua.LVAsString(table.RawGetString("status")),
		Message: lua.LVAsString(table.RawGetString("message")),
	}, nil
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case string:
		return lua.LString(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case []any:
		list := state.CreateTable(len(value), 0)
		for _, item := range value {
			list.Append(toLua(state, item))
		}
		return list
	case map[string]any:
		table := state.CreateTable(0, len(value))
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	}
	return lua.LNil
}

func TestArgoCDHealth(t *testing.T) {
	script := string(read(t, customization+"/health.lua"))
	eachState(t, func(t *testing.T, report *unstructured.Unstructured, want expectation) {
		got, err := runLua(script, report)
		if err != nil {
			t.Fatal(err)
		}
		if got.Status != want.ArgoCD {
			t.Errorf("got %q (%s), want %q", got.Status, got.Message, want.ArgoCD)
		}
		if got.Message == "" {
			t.Error("the message is empty")
		}
	})
}

// What upstream's own test of resource_customizations does with these files.
func TestArgoCDFixtures(t *testing.T) {
	var tests struct {
		Tests []struct {
			HealthStatus health `json:"healthStatus"`
			InputPath    string `json:"inputPath"`
		} `json:"tests"`
	}
	if err := yaml.UnmarshalStrict(read(t, customization+"/health_test.yaml"), &tests); err != nil {
		t.Fatal(err)
	}
	script := string(read(t, customization+"/health.lua"))
	covered := map[string]bool{}
	for _, test := range tests.Tests {
		t.Run(test.InputPath, func(t *testing.T) {
			data := read(t, filepath.Join(customization, test.InputPath))
			got, err := runLua(script, object(t, data))
			if err != nil {
				t.Fatal(err)
			}
			if got != test.HealthStatus {
				t.Errorf("got %+v, want %+v", got, test.HealthStatus)
			}
			covered[filepath.Base(test.InputPath)] = true
		})
	}
	states, err := filepath.Glob("states/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range states {
		name := filepath.Base(state)
		fixture := filepath.Join(customization, "testdata", name)
		want := read(t, state)
		if os.Getenv("UPDATE_GOLDEN") == "1" {
			if err := os.WriteFile(fixture, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(fixture); err != nil || string(got) != string(want) {
			t.Errorf("%s is not a copy of %s; run with UPDATE_GOLDEN=1", fixture, state)
		}
		if !covered[name] {
			t.Errorf("health_test.yaml does not have %s", name)
		}
	}
}

// The promise: no tool lets anything through but a verdict that passed at the current generation,
// or, where a report gates nothing, a report that is complete.
func TestNothingElsePasses(t *testing.T) {
	eachState(t, func(t *testing.T, report *unstructured.Unstructured, want expectation) {
		mode, _, _ := unstructured.NestedString(report.Object, "spec", "gate", "mode")
		observed, _, _ := unstructured.NestedInt64(report.Object, "status", "observedGeneration")
		current := observed == report.GetGeneration() && report.GetDeletionTimestamp() == nil
		passed := current && condition(report, "Passed") == "True"
		complete := current && mode == "Report" && condition(report, "Complete") == "True"
		if (want.Kstatus == "Current") != (passed || complete) {
			t.Errorf("kstatus: %s", want.Kstatus)
		}
		if (want.ArgoCD == "Healthy") != (passed || complete) {
			t.Errorf("Argo CD: %s", want.ArgoCD)
		}
		if (want.FluxCEL == "Current") != passed {
			t.Errorf("Flux: %s", want.FluxCEL)
		}
		if (want.Script == 0) != passed {
			t.Errorf("script: %d", want.Script)
		}
		if (want.Rollouts == "Successful") != passed || (want.Kargo == "succeeded") != passed || (want.Gate == 200) != passed {
			t.Errorf("over HTTP: %s, %s, %d", want.Rollouts, want.Kargo, want.Gate)
		}
	})
}

// States are written as the operator writes them.
func TestStatesAreWellFormed(t *testing.T) {
	eachState(t, func(t *testing.T, report *unstructured.Unstructured, _ expectation) {
		if condition(report, "Reconciling") == "True" && condition(report, "Stalled") == "True" {
			t.Error("Reconciling and Stalled are both True")
		}
		observed, ok, _ := unstructured.NestedInt64(report.Object, "status", "observedGeneration")
		if !ok {
			t.Fatal("no observedGeneration")
		}
		conditions, _, _ := unstructured.NestedSlice(report.Object, "status", "conditions")
		if observed > 0 && len(conditions) != 7 {
			t.Errorf("%d conditions, want all 7", len(conditions))
		}
		for _, item := range conditions {
			fields := item.(map[string]any)
			if observed > 0 && fields["observedGeneration"] != observed {
				t.Errorf("%v is of generation %v", fields["type"], fields["observedGeneration"])
			}
			for _, field := range []string{"type", "status", "reason", "message", "lastTransitionTime"} {
				// A condition that says nothing new may have an empty message.
				if text, ok := fields[field].(string); !ok || (text == "" && field != "message") {
					t.Errorf("%v has no %s", fields["type"], field)
				}
			}
		}
	})
}

// Why the schema of the CRD has a default for the status: without it a report that no operator has
// seen yet would pass.
func TestWithoutTheSchemaDefaultKstatusWouldPass(t *testing.T) {
	report := object(t, read(t, "states/never-reconciled.yaml"))
	unstructured.RemoveNestedField(report.Object, "status")
	result, err := status.Compute(report)
	if err != nil {
		t.Fatal(err)
	}
	if result.Status != status.CurrentStatus {
		t.Errorf("kstatus says %s now: the default may not be needed any more", result.Status)
	}
	if got, err := runLua(string(read(t, customization+"/health.lua")), report); err != nil || got.Status != "Progressing" {
		t.Errorf("Argo CD: %+v, %v", got, err)
	}
	// An error of an expression is not a pass either: Flux goes on waiting.
	if result, err := fluxEvaluator(t).Evaluate(context.Background(), report); err == nil && result.Status.String() != "InProgress" {
		t.Errorf("Flux: %v", result.Status)
	}
}

func condition(report *unstructured.Unstructured, kind string) string {
	conditions, _, _ := unstructured.NestedSlice(report.Object, "status", "conditions")
	for _, item := range conditions {
		if fields, ok := item.(map[string]any); ok && fields["type"] == kind {
			text, _ := fields["status"].(string)
			return text
		}
	}
	return ""
}

// decode turns a part of a document into a typed value; unknown fields are errors.
func decode(t *testing.T, from any, into any) {
	t.Helper()
	data, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatal(err)
	}
}
