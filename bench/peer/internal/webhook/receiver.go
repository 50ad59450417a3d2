// Package webhook turns deliveries of GitHub into reasons to look at reports.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"

	testrunv1alpha1 "testrun.dev/operator/bench/peer/api/v1alpha1"
)

const (
	// Index finds reports by repository and commit, or repository and pull request.
	Index = "commit"
	// maxBody is what GitHub sends at most.
	maxBody = 25 << 20
)

// Keys are the entries of a report in the index.
func Keys(object client.Object) []string {
	report, ok := object.(*testrunv1alpha1.TestRunReport)
	if !ok {
		return nil
	}
	source := &report.Spec.Source.GitHub
	var keys []string
	if source.PullRequest != nil {
		keys = append(keys, pullKey(source.Repository, *source.PullRequest))
	}
	if report.Status.Source != nil {
		keys = append(keys, commitKey(source.Repository, report.Status.Source.SHA))
	} else if source.SHA != "" {
		keys = append(keys, commitKey(source.Repository, source.SHA))
	}
	return keys
}

func commitKey(repository, sha string) string { return strings.ToLower(repository) + "@" + sha }

func pullKey(repository string, number int64) string {
	return fmt.Sprintf("%s#%d", strings.ToLower(repository), number)
}

// Receiver is a server of webhooks; it runs under the manager.
type Receiver struct {
	Address string
	Secret  string
	Reader  client.Reader
	Events  chan<- event.GenericEvent
}

// Start serves until the context ends.
func (r *Receiver) Start(ctx context.Context) error {
	server := &http.Server{
		Handler: http.HandlerFunc(r.receive), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
	}
	listener, err := net.Listen("tcp", r.Address)
	if err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(stop); err != nil {
			log.FromContext(ctx).Error(err, "stopping the receiver of webhooks")
		}
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type payload struct {
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
	WorkflowRun *struct {
		HeadSHA string `json:"head_sha"`
	} `json:"workflow_run"`
	PullRequest *struct {
		Number int64 `json:"number"`
	} `json:"pull_request"`
}

func (r *Receiver) receive(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, maxBody))
	if err != nil {
		http.Error(response, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	mac := hmac.New(sha256.New, []byte(r.Secret))
	mac.Write(body)
	signature, err := hex.DecodeString(strings.TrimPrefix(request.Header.Get("X-Hub-Signature-256"), "sha256="))
	if err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
		http.Error(response, "the signature is wrong", http.StatusUnauthorized)
		return
	}
	var delivery payload
	if err := json.Unmarshal(body, &delivery); err != nil {
		http.Error(response, "not JSON", http.StatusBadRequest)
		return
	}
	var key string
	switch {
	case delivery.WorkflowRun != nil:
		key = commitKey(delivery.Repository.FullName, delivery.WorkflowRun.HeadSHA)
	case delivery.PullRequest != nil:
		key = pullKey(delivery.Repository.FullName, delivery.PullRequest.Number)
	default:
		return
	}
	var reports testrunv1alpha1.TestRunReportList
	// The objects are only named here, so they need not be copied.
	err = r.Reader.List(request.Context(), &reports, client.MatchingFields{Index: key}, client.UnsafeDisableDeepCopy)
	if err != nil {
		http.Error(response, "the cache cannot be read", http.StatusServiceUnavailable)
		return
	}
	for n := range reports.Items {
		r.Events <- event.GenericEvent{Object: &reports.Items[n]}
	}
	response.WriteHeader(http.StatusAccepted)
}
