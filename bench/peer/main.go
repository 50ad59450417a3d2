// The peer is the operator as it would be written with controller-runtime: it is what the operator
// is measured against. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	testrunv1alpha1 "testrun.dev/operator/bench/peer/api/v1alpha1"
	"testrun.dev/operator/bench/peer/internal/controller"
	"testrun.dev/operator/bench/peer/internal/github"
	"testrun.dev/operator/bench/peer/internal/webhook"
)

var scheme = runtime.NewScheme()

func init() {
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(testrunv1alpha1.AddToScheme(scheme))
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var metricsAddr, probeAddr, webhookAddr, githubURL string
	var workers int
	var poll, refresh time.Duration
	flag.StringVar(&metricsAddr, "metrics-bind-address", "127.0.0.1:0", "Address of /metrics.")
	flag.StringVar(&probeAddr, "health-probe-bind-address", ":8081", "Address of /healthz and /readyz.")
	flag.StringVar(&webhookAddr, "webhook-bind-address", "", "Address of the receiver of webhooks; none are received without.")
	flag.StringVar(&githubURL, "github-url", "https://api.github.com", "API of GitHub.")
	flag.IntVar(&workers, "workers", 8, "Most reconciles at a time.")
	flag.DurationVar(&poll, "poll-interval", 30*time.Second, "Time between two looks while jobs run.")
	flag.DurationVar(&refresh, "refresh-interval", 10*time.Minute, "Time between two looks at a final verdict.")
	options := zap.Options{}
	options.BindFlags(flag.CommandLine)
	flag.Parse()
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&options)))

	mgr, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Scheme:                 scheme,
		Metrics:                metricsserver.Options{BindAddress: metricsAddr},
		HealthProbeBindAddress: probeAddr,
		LeaderElection:         false,
		Cache: cache.Options{
			// Nobody reads managed fields; they are a third of a small object.
			DefaultTransform: cache.TransformStripManagedFields(),
		},
	})
	if err != nil {
		return fmt.Errorf("starting the manager: %w", err)
	}
	client, err := github.NewClient(githubURL, os.Getenv("GITHUB_TOKEN"), workers*2)
	if err != nil {
		return err
	}
	collector, err := controller.NewCollector(client)
	if err != nil {
		return err
	}
	reconciler := &controller.TestRunReportReconciler{
		Client:    mgr.GetClient(),
		Recorder:  mgr.GetEventRecorder("testrun-peer"),
		Collector: collector,
		Poll:      poll,
		Refresh:   refresh,
	}
	hints := make(chan event.GenericEvent, 1024)
	if webhookAddr != "" {
		if err := mgr.GetFieldIndexer().IndexField(context.Background(), &testrunv1alpha1.TestRunReport{}, webhook.Index, webhook.Keys); err != nil {
			return err
		}
		receiver := &webhook.Receiver{
			Address: webhookAddr, Secret: os.Getenv("WEBHOOK_SECRET"), Reader: mgr.GetClient(), Events: hints,
		}
		if err := mgr.Add(receiver); err != nil {
			return err
		}
	}
	if err := reconciler.SetupWithManager(mgr, workers, hints); err != nil {
		return fmt.Errorf("setting up the controller: %w", err)
	}
	if err := mgr.AddHealthzCheck("healthz", healthz.Ping); err != nil {
		return err
	}
	// Ready means that all reports were listed.
	if err := mgr.AddReadyzCheck("informers", func(request *http.Request) error {
		informer, err := mgr.GetCache().GetInformer(request.Context(), &testrunv1alpha1.TestRunReport{}, cache.BlockUntilSynced(false))
		if err != nil {
			return err
		}
		if !informer.HasSynced() {
			return errors.New("the reports are not listed yet")
		}
		return nil
	}); err != nil {
		return err
	}
	return mgr.Start(ctrl.SetupSignalHandler())
}
