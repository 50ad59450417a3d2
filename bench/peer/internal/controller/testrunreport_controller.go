// Package controller reconciles TestRunReports.
package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	testrunv1alpha1 "testrun.dev/operator/bench/peer/api/v1alpha1"
	"testrun.dev/operator/bench/peer/internal/verdict"
)

// TestRunReportReconciler keeps the status of reports at what is true of their commits.
type TestRunReportReconciler struct {
	client.Client
	Recorder  events.EventRecorder
	Collector *Collector
	// Poll is the time between two looks while jobs run, Refresh at a final verdict.
	Poll, Refresh time.Duration
}

// +kubebuilder:rbac:groups=testrun.dev,resources=testrunreports,verbs=get;list;watch
// +kubebuilder:rbac:groups=testrun.dev,resources=testrunreports/status,verbs=get;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconcile looks at one report.
func (r *TestRunReportReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	begin := time.Now()
	var report testrunv1alpha1.TestRunReport
	if err := r.Get(ctx, req.NamespacedName, &report); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !report.DeletionTimestamp.IsZero() || report.Spec.Suspend {
		return ctrl.Result{}, nil
	}
	facts, err := r.Collector.Collect(ctx, &report.Spec.Source.GitHub)
	if err != nil {
		// The verdict is not touched: the peer has no conditions for a GitHub that is away.
		return ctrl.Result{}, fmt.Errorf("reading GitHub: %w", err)
	}
	status, next, err := verdict.Evaluate(&report, facts, metav1.Now().Rfc3339Copy())
	if err != nil {
		return ctrl.Result{}, err
	}
	outcome := "unchanged"
	if !equality.Semantic.DeepEqual(report.Status, status) {
		base := report.DeepCopy()
		before := passed(&report)
		report.Status = status
		// The lock keeps a verdict off an object that was edited, or deleted and made again.
		patch := client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})
		if err := r.Status().Patch(ctx, &report, patch); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
		outcome = "written"
		if after := passed(&report); after != nil && (before == nil || before.Status != after.Status || before.ObservedGeneration == 0) {
			kind := corev1.EventTypeNormal
			if after.Status == metav1.ConditionFalse {
				kind = corev1.EventTypeWarning
			}
			r.Recorder.Eventf(&report, nil, kind, after.Reason, "Evaluate", "%s", after.Message)
		}
	}
	after := wait.Jitter(r.Poll, 0.2)
	switch {
	case next.Final:
		after = wait.Jitter(r.Refresh, 0.2)
	case next.After > 0:
		after = next.After
	}
	log.FromContext(ctx).Info("reconciled", "outcome", outcome, "took", time.Since(begin), "next", after)
	return ctrl.Result{RequeueAfter: after}, nil
}

func passed(report *testrunv1alpha1.TestRunReport) *metav1.Condition {
	return meta.FindStatusCondition(report.Status.Conditions, "Passed")
}

// SetupWithManager sets up the controller with the Manager. A status that was written is no reason to
// look again; a new spec is, an annotation that asks for a look, and a hint of a webhook.
func (r *TestRunReportReconciler) SetupWithManager(mgr ctrl.Manager, workers int, hints <-chan event.GenericEvent) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&testrunv1alpha1.TestRunReport{}, builder.WithPredicates(
			predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		WatchesRawSource(source.Channel(hints, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Named("testrunreport").
		Complete(r)
}
