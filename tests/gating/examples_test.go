package gating

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// documents reads all documents of a YAML file.
func documents(t *testing.T, path string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, part := range strings.Split(string(read(t, path)), "\n---\n") {
		all = append(all, object(t, []byte(part)))
	}
	return all
}

// job checks what every gate in a Job must have.
func job(t *testing.T, spec *batchv1.JobSpec) {
	t.Helper()
	if spec.BackoffLimit == nil || *spec.BackoffLimit != 0 {
		t.Error("a red verdict does not turn green by asking again: backoffLimit must be 0")
	}
	if spec.ActiveDeadlineSeconds == nil {
		t.Error("the Job has no end")
	}
	pod := spec.Template.Spec
	if pod.ServiceAccountName != "testrun-gate" || pod.RestartPolicy != corev1.RestartPolicyNever {
		t.Errorf("account %q, restart policy %q", pod.ServiceAccountName, pod.RestartPolicy)
	}
	if len(pod.Containers) != 1 || len(pod.Containers[0].Command) != 4 {
		t.Fatalf("the script takes a report and a commit: %+v", pod.Containers)
	}
	if got := pod.Containers[0].Command[1]; got != "/gate/kubectl-wait.sh" {
		t.Errorf("it runs %s", got)
	}
	if pod.Volumes[0].ConfigMap == nil || pod.Volumes[0].ConfigMap.Name != "testrun-gate" {
		t.Error("the script is not mounted")
	}
}

func TestPreSyncJob(t *testing.T) {
	manifest := documents(t, examples+"/argocd/presync-job.yaml")[0]
	var typed batchv1.Job
	decode(t, manifest.Object, &typed)
	if typed.Annotations["argocd.argoproj.io/hook"] != "PreSync" {
		t.Error("it is not a PreSync hook")
	}
	job(t, &typed.Spec)
}

func TestAnalysisTemplate(t *testing.T) {
	manifest := documents(t, examples+"/rollouts/analysistemplate.yaml")[0]
	metrics, _, err := unstructured.NestedSlice(manifest.Object, "spec", "metrics")
	if err != nil || len(metrics) != 1 {
		t.Fatalf("metrics: %v %v", metrics, err)
	}
	metric := metrics[0].(map[string]any)
	if metric["failureLimit"] != int64(0) || metric["inconclusiveLimit"] != int64(0) {
		t.Error("one failure must fail the analysis")
	}
	spec, _, err := unstructured.NestedMap(metric, "provider", "job", "spec")
	if err != nil {
		t.Fatal(err)
	}
	var typed batchv1.JobSpec
	decode(t, spec, &typed)
	job(t, &typed)
}

// The arguments that the Stage gives are those that the template declares.
func TestKargoStage(t *testing.T) {
	names := func(object map[string]any, path ...string) string {
		items, _, err := unstructured.NestedSlice(object, path...)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, item := range items {
			all = append(all, item.(map[string]any)["name"].(string))
		}
		return strings.Join(all, " ")
	}
	stage := documents(t, examples+"/kargo/stage.yaml")[0]
	template := documents(t, examples+"/rollouts/analysistemplate.yaml")[0]
	given := names(stage.Object, "spec", "verification", "args")
	declared := names(template.Object, "spec", "args")
	if given != declared || given == "" {
		t.Errorf("the Stage gives %q, the template declares %q", given, declared)
	}
	if got := names(stage.Object, "spec", "verification", "analysisTemplates"); got != template.GetName() {
		t.Errorf("the Stage uses %q, not %q", got, template.GetName())
	}
}

// The account of the gate reads reports and nothing else.
func TestRights(t *testing.T) {
	for _, manifest := range documents(t, examples+"/job/rbac.yaml") {
		if manifest.GetKind() != "Role" {
			continue
		}
		var role rbacv1.Role
		decode(t, manifest.Object, &role)
		if len(role.Rules) != 1 {
			t.Fatalf("%d rules", len(role.Rules))
		}
		rule := role.Rules[0]
		if got := strings.Join(rule.Resources, " ") + ": " + strings.Join(rule.Verbs, " "); got != "testrunreports: get list watch" {
			t.Errorf("it may %s", got)
		}
		return
	}
	t.Error("no Role")
}

// Flux: `wait` overrides `healthChecks`.
func TestFluxChecksTheReport(t *testing.T) {
	manifests := documents(t, examples+"/flux/kustomization.yaml")
	if wait, _, _ := unstructured.NestedBool(manifests[0].Object, "spec", "wait"); wait {
		t.Error("wait overrides healthChecks")
	}
	checks, _, _ := unstructured.NestedSlice(manifests[0].Object, "spec", "healthChecks")
	if len(checks) != 1 || checks[0].(map[string]any)["kind"] != "TestRunReport" {
		t.Errorf("healthChecks: %v", checks)
	}
	depends, _, _ := unstructured.NestedSlice(manifests[1].Object, "spec", "dependsOn")
	if len(depends) != 1 || depends[0].(map[string]any)["name"] != manifests[0].GetName() {
		t.Errorf("dependsOn: %v", depends)
	}
}

// Every manifest parses, and no example waits by JSONPath, which ignores the generation.
func TestExamplesParse(t *testing.T) {
	err := filepath.WalkDir(examples, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.Contains(string(text), "--for=jsonpath=") && filepath.Base(path) != "kubectl-wait.sh" {
			t.Errorf("%s waits by jsonpath", path)
		}
		if base := filepath.Base(path); strings.HasSuffix(base, ".yaml") && base != "health_test.yaml" && base != "values.yaml" {
			for _, manifest := range documents(t, path) {
				if manifest.GetKind() == "" || manifest.GetAPIVersion() == "" {
					t.Errorf("%s: no kind or no apiVersion", path)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
