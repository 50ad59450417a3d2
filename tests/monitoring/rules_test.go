// Package monitoring holds the chart's alerts and dashboard to the code of Prometheus.
package monitoring

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

// read gives the file that an environment variable names; the Rust test that runs this one sets it.
func read(t *testing.T, variable string) []byte {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skipf("%s is not set: run `cargo test --test it -- monitoring::`", variable)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// rules gives the alerts by name.
func rules(t *testing.T) map[string]rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.Parse(read(t, "TESTRUN_RULES"), false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.Default())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	all := map[string]rulefmt.Rule{}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			if _, twice := all[rule.Alert]; twice || rule.Alert == "" {
				t.Errorf("alert %q is there twice, or has no name", rule.Alert)
			}
			all[rule.Alert] = rule
		}
	}
	return all
}

// of gives a line of load for a series of the operator: two pods, the second of which waits.
func of(name, labels, values string) string {
	return "  " + name + `{namespace="ops", service="testrun-operator-metrics", pod="a"` + labels + "} " + values + "\n"
}

// healthy is an operator that works for two hours.
var healthy = of("up", "", "1x120") +
	of("testrun_leases_held", "", "1x120") +
	of("testrun_lease_changes_total", `, outcome="lost"`, "1x120") +
	of("testrun_oldest_unseen_report_seconds", "", "2x120") +
	of("testrun_oldest_undecided_report_seconds", "", "600x120") +
	of("testrun_reconciles_total", `, outcome="written"`, "0+60x120") +
	of("testrun_reconciles_total", `, outcome="error"`, "0+1x120") +
	of("testrun_reconciles_total", `, outcome="timeout"`, "0x120") +
	of("testrun_reconciles_total", `, outcome="panic"`, "0x120") +
	of("testrun_invalid_objects_total", "", "0x120") +
	of("testrun_status_fields_dropped", "", "0x120") +
	of("testrun_status_overwritten_total", "", "0x120") +
	of("testrun_config_reloads_total", `, outcome="invalid"`, "0x120") +
	of("testrun_config_reloads_total", `, outcome="applied"`, "0+1x120") +
	of("testrun_github_requests_total", `, class="runs", outcome="ok"`, "0+60x120") +
	of("testrun_github_requests_total", `, class="runs", outcome="not_modified"`, "0+60x120") +
	of("testrun_github_requests_total", `, class="runs", outcome="server_error"`, "0+1x120") +
	of("testrun_github_requests_total", `, class="runs", outcome="unreachable"`, "0x120") +
	of("testrun_github_requests_total", `, class="runs", outcome="limited"`, "0x120") +
	of("testrun_github_rate_limit_remaining", "", "4000x120") +
	of("testrun_webhook_deliveries_total", `, outcome="accepted"`, "0+10x120") +
	of("testrun_webhook_deliveries_total", `, outcome="unauthorized"`, "0+1x120") +
	of("testrun_webhook_deliveries_total", `, outcome="unreached"`, "0x120") +
	of("testrun_webhook_deliveries_total", `, outcome="overloaded"`, "0x120")

// idle is one that has nothing to do, and has never asked GitHub.
var idle = regexp.MustCompile(`0\+\d+x120`).ReplaceAllString(healthy, "0x120")

// troubles has for each alert a series of the healthy operator and what becomes of it.
var troubles = map[string][2]string{
	"TestRunOperatorDown":       {"up{", "0x120"},
	"TestRunOperatorNoLeader":   {"testrun_leases_held", "0x120"},
	"TestRunOperatorTwoLeaders": {"testrun_leases_held", "2x120"},
	"TestRunOperatorLosesLease": {"testrun_lease_changes_total", "0+1x120"},
	"TestRunReportsNotLookedAt": {"testrun_oldest_unseen", "0+60x120"},
	"TestRunReportUndecided":    {"testrun_oldest_undecided", "21000+60x120"},
	"TestRunReconcileErrors":    {`reconciles_total.*"error"`, "0+30x120"},
	"TestRunReconcilePanic":     {`reconciles_total.*"panic"`, "0x90 1x30"},
	"TestRunInvalidObjects":     {"testrun_invalid_objects_total", "0x110 1x10"},
	"TestRunDefinitionOutdated": {"testrun_status_fields_dropped", "2x120"},
	"TestRunStatusContested":    {"testrun_status_overwritten_total", "0+1x120"},
	"TestRunConfigInvalid":      {`config_reloads_total.*"invalid"`, "0x110 1x10"},
	"TestRunGitHubUnavailable":  {`requests_total.*"unreachable"`, "0+60x120"},
	"TestRunGitHubLimited":      {`requests_total.*"limited"`, "0+1x120"},
	"TestRunGitHubLimitNear":    {"rate_limit_remaining", "10x120"},
	"TestRunWebhooksRefused":    {`deliveries_total.*"accepted"`, "0x120"},
	"TestRunWebhooksUnreached":  {`deliveries_total.*"unreached"`, "0+1x120"},
	"TestRunWebhooksOverloaded": {`deliveries_total.*"overloaded"`, "0+1x120"},
}

// fires says whether an alert's expression holds now and has held for as long as the alert waits.
func fires(t *testing.T, load string, rule rulefmt.Rule) bool {
	t.Helper()
	storage := promqltest.LoadedStorage(t, "load 1m\n"+load)
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	now := time.Unix(0, 0).UTC().Add(2 * time.Hour)
	for at := now.Add(-time.Duration(rule.For)); !at.After(now); at = at.Add(time.Minute) {
		query, err := engine.NewInstantQuery(context.Background(), storage, nil, rule.Expr, at)
		if err != nil {
			t.Fatal(err)
		}
		vector, err := query.Exec(context.Background()).Vector()
		if err != nil {
			t.Fatal(err)
		}
		held := len(vector) > 0
		query.Close()
		if !held {
			return false
		}
	}
	return true
}

func TestAlertsFireInTheirTroubleAndOnlyThen(t *testing.T) {
	all := rules(t)
	for name := range troubles {
		if _, there := all[name]; !there {
			t.Errorf("there is no alert %s", name)
		}
	}
	for name, rule := range all {
		if fires(t, healthy, rule) {
			t.Errorf("%s fires for a healthy operator", name)
		}
		quiet := strings.Replace(idle, "4000x120", strings.Repeat("NaN ", 121), 1)
		if fires(t, quiet, rule) {
			t.Errorf("%s fires for one that has nothing to do", name)
		}
		trouble, known := troubles[name]
		if !known {
			t.Errorf("no trouble is known for %s", name)
			continue
		}
		series := regexp.MustCompile(`(?m)^(  .*` + trouble[0] + `.*\} ).*$`)
		if !series.MatchString(healthy) {
			t.Errorf("the trouble of %s is about no series", name)
		}
		if !fires(t, series.ReplaceAllString(healthy, "${1}"+trouble[1]), rule) {
			t.Errorf("%s does not fire in its trouble: %s", name, rule.Expr)
		}
	}
}

func TestQueriesOfTheDashboardAreOnes(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "TESTRUN_DASHBOARD"), &dashboard); err != nil {
		t.Fatal(err)
	}
	count := 0
	fill := strings.NewReplacer("$__rate_interval", "5m", "$namespace", "ops")
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			count++
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(fill.Replace(target.Expr)); err != nil {
				t.Errorf("%s: %v", panel.Title, err)
			}
		}
	}
	if count == 0 {
		t.Error("the dashboard asks for nothing")
	}
}
