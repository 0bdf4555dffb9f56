// Package witnesstest starts witnesses for tests.
package witnesstest

import (
	"crypto/rand"
	"log/slog"
	"net/http/httptest"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"frostline/hub/evidence/witness"
)

// New makes a witness key, and a function that starts a witness with it for
// the logs of some keys, which ends with the test.
func New(t testing.TB, dir string) (private string, serve func(private string, logs ...string) witness.Peer) {
	t.Helper()
	private, _, err := note.GenerateKey(rand.Reader, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	return private, func(private string, logs ...string) witness.Peer {
		t.Helper()
		s, err := witness.NewServer(witness.Config{Dir: dir, Signer: private, Logs: logs, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		p, err := witness.NewPeer(server.URL, s.Key())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}
