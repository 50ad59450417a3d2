package gating

import (
	"bytes"
	"crypto"
	"encoding/json"
	"testing"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/dsse"
)

// What cosign does with an attestation: sigstore's own code over what the command line signed.
func TestSigstoreBelievesAttestations(t *testing.T) {
	verifier := func(name string) signature.Verifier {
		key, err := cryptoutils.UnmarshalPEMToPublicKey(read(t, "attestations/"+name+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		found, err := signature.LoadVerifier(key, crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		return dsse.WrapVerifier(found)
	}
	for name, other := range map[string]string{"ed25519": "p256", "p256": "ed25519"} {
		t.Run(name, func(t *testing.T) {
			envelope := read(t, "attestations/"+name+".json")
			if err := verifier(name).VerifySignature(bytes.NewReader(envelope), nil); err != nil {
				t.Error(err)
			}
			if err := verifier(other).VerifySignature(bytes.NewReader(envelope), nil); err == nil {
				t.Error("another key's signature is taken")
			}
			var parts struct{ Payload []byte }
			if err := json.Unmarshal(envelope, &parts); err != nil {
				t.Fatal(err)
			}
			var statement struct {
				Subject   []struct{ Digest map[string]string }
				Predicate struct{ Result string }
			}
			if err := json.Unmarshal(parts.Payload, &statement); err != nil {
				t.Fatal(err)
			}
			if statement.Predicate.Result != "PASSED" || len(statement.Subject[0].Digest["gitCommit"]) != 40 {
				t.Errorf("it says %+v", statement)
			}
		})
	}
}
