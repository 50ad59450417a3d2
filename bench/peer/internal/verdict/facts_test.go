package verdict

import "testing"

func TestOnlyACompletedSuccessSucceeds(t *testing.T) {
	for _, c := range []struct {
		status, conclusion string
		state              State
	}{
		{"completed", "success", Succeeded},
		{"completed", "failure", Failed},
		{"completed", "timed_out", Failed},
		{"completed", "startup_failure", Failed},
		{"completed", "cancelled", Cancelled},
		{"completed", "skipped", Skipped},
		{"completed", "neutral", Neutral},
		{"completed", "action_required", ActionRequired},
		{"completed", "hatched", Unknown},
		{"completed", "", Unknown},
		{"in_progress", "", Running},
		{"queued", "", Running},
		{"waiting", "", ActionRequired},
		{"in_progress", "success", Unknown},
		{"hatching", "", Unknown},
	} {
		if got := StateOf(c.status, c.conclusion); got != c.state {
			t.Errorf("%s/%s is %s, expected %s", c.status, c.conclusion, got, c.state)
		}
	}
}
