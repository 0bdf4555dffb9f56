package notify

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestPoster: a message is signed as a webhook is, and what a receiver answers
// is told; addresses that are not public are not reached.
func TestPoster(t *testing.T) {
	now := time.Now()
	answer := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != `{"a":1}` || r.Header.Get("Content-Type") != "application/ld+json" {
			t.Errorf("body %s, %v: %v", body, r.Header, err)
		}
		if err := Verify([]byte("secret"), r.Header, body, now); err != nil {
			t.Errorf("signature: %v", err)
		}
		if r.Header.Get("GS1-Signature") != r.Header.Get("webhook-signature") || Verify([]byte("other"), r.Header, body, now) == nil {
			t.Errorf("signatures %v", r.Header)
		}
		w.Header().Set("Retry-After", "7")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(answer)
		_, _ = io.WriteString(w, "no\nroom")
	}))
	defer s.Close()
	p := NewPoster(true, 5*time.Second)
	post := func() error {
		return p.Post(t.Context(), s.URL, "id-1", []byte("secret"), []byte(`{"a":1}`), http.Header{"Content-Type": {"application/ld+json"}}, now, "GS1-Signature")
	}
	if err := post(); err != nil {
		t.Error(err)
	}
	for _, answer = range []int{http.StatusFound, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable} {
		var r *Refusal
		if err := post(); !errors.As(err, &r) || r.Status() != answer || r.After() != 7*time.Second || strings.Contains(r.Error(), "\n") {
			t.Errorf("answer %d: %v", answer, err)
		}
	}
	p = NewPoster(false, 5*time.Second)
	if err := post(); err == nil || !strings.Contains(err.Error(), "not public") {
		t.Errorf("to this machine: %v", err)
	}
}
