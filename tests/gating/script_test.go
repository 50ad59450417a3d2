package gating

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/yaml"
)

// The test binary plays kubectl for the script: it answers from the file in this variable, with
// client-go's own JSONPath and the rule of `kubectl wait --for=condition`.
const playsKubectl = "GATING_TEST_REPORT"

func TestMain(m *testing.M) {
	if file := os.Getenv(playsKubectl); file != "" && filepath.Base(os.Args[0]) == "kubectl" {
		os.Exit(kubectl(file, os.Args[1:]))
	}
	os.Exit(m.Run())
}

func kubectl(file string, args []string) int {
	data, err := os.ReadFile(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error from server (NotFound)")
		return 1
	}
	report := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(data, &report.Object); err != nil {
		return 1
	}
	verb, template := "", ""
	for _, arg := range args {
		switch {
		case arg == "get" || arg == "wait":
			verb = arg
		case strings.HasPrefix(arg, "--output=jsonpath="):
			template = strings.TrimPrefix(arg, "--output=jsonpath=")
		case strings.HasPrefix(arg, "--for=") && arg != "--for=condition=Passed=true":
			fmt.Fprintln(os.Stderr, "only the condition form heeds observedGeneration:", arg)
			return 9
		}
	}
	if verb == "wait" {
		// A timed wait that is not met ends at once here: its exit code is that of a timeout.
		if condition(report, "Passed") == "True" && current(report) {
			return 0
		}
		return 1
	}
	parser := jsonpath.New("out").AllowMissingKeys(true)
	if err := parser.Parse(template); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := parser.Execute(os.Stdout, report.Object); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func current(report *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(report.Object, "status", "conditions")
	for _, item := range conditions {
		if fields, ok := item.(map[string]any); ok && fields["type"] == "Passed" {
			return fmt.Sprint(fields["observedGeneration"]) == fmt.Sprint(report.Object["metadata"].(map[string]any)["generation"])
		}
	}
	return false
}

// runScript runs kubectl-wait.sh against a report and returns its exit code and what it said.
func runScript(t *testing.T, file string, args ...string) (int, string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "kubectl")); err != nil {
		t.Fatal(err)
	}
	report, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("sh", append([]string{examples + "/job/kubectl-wait.sh"}, args...)...)
	command.Env = append(os.Environ(),
		"PATH="+bin+":"+os.Getenv("PATH"), playsKubectl+"="+report, "NAMESPACE=ci", "TIMEOUT=0", "INTERVAL=1")
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), string(output)
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, string(output)
}

func TestScript(t *testing.T) {
	all := expectations(t)
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			code, said := runScript(t, "states/"+name+".yaml", "pr-20")
			if code != want.Script {
				t.Errorf("exit %d, want %d: %s", code, want.Script, said)
			}
			if strings.TrimSpace(said) == "" {
				t.Error("it says nothing")
			}
		})
	}
}

func TestScriptAboutOneCommit(t *testing.T) {
	const sha = "0123456789abcdef0123456789abcdef01234567"
	other := strings.Repeat("f", 40)
	for _, test := range []struct {
		name, file string
		args       []string
		want       int
	}{
		{"the report's commit", "states/passed.yaml", []string{"pr-20", sha}, 0},
		{"another commit than the one that passed", "states/passed.yaml", []string{"pr-20", other}, 2},
		{"another commit than the one that failed", "states/final-red.yaml", []string{"pr-20", other}, 2},
		{"a commit, and a report that knows none yet", "states/never-reconciled.yaml", []string{"pr-20", sha}, 2},
		{"no such report", "states/absent.yaml", []string{"pr-20"}, 3},
		{"no name", "states/passed.yaml", nil, 64},
		{"an empty name", "states/passed.yaml", []string{""}, 64},
	} {
		t.Run(test.name, func(t *testing.T) {
			if code, said := runScript(t, test.file, test.args...); code != test.want {
				t.Errorf("exit %d, want %d: %s", code, test.want, said)
			}
		})
	}
}

// The operator never writes such a status. A tool that reads Ready or Passed first would let it
// through: whatever is in progress has to win.
func TestProgressWins(t *testing.T) {
	report := object(t, read(t, "states/passed.yaml"))
	conditions, _, _ := unstructured.NestedSlice(report.Object, "status", "conditions")
	for _, item := range conditions {
		if fields := item.(map[string]any); fields["type"] == "Reconciling" {
			fields["status"] = "True"
		}
	}
	if err := unstructured.SetNestedSlice(report.Object, conditions, "status", "conditions"); err != nil {
		t.Fatal(err)
	}
	if got, err := runLua(string(read(t, customization+"/health.lua")), report); err != nil || got.Status != "Progressing" {
		t.Errorf("Argo CD: %+v, %v", got, err)
	}
	if got, err := fluxEvaluator(t).Evaluate(context.Background(), report); err != nil || got.Status.String() != "InProgress" {
		t.Errorf("Flux: %v, %v", got, err)
	}
	data, err := yaml.Marshal(report.Object)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said := runScript(t, file, "pr-20"); code != 2 {
		t.Errorf("script: exit %d: %s", code, said)
	}
}
