package web

import (
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"frostline/hub/gate"
)

// Who is not signed in may try to sign in so often, from one address; by a
// passkey, which cannot be guessed, more often. A browser by which somebody has
// signed in before counts by itself: whoever guesses at its address does not
// keep it out.
const (
	paceBurst = 60
	paceEvery = 2 * time.Second
	keysBurst = 120
	keysEvery = 500 * time.Millisecond
)

// paces bound what strangers may try.
type paces struct {
	guesses *gate.Pace // of passwords, codes and links
	keys    *gate.Pace // of passkeys
}

func newPaces() paces {
	return paces{gate.NewPace(rate.Every(paceEvery), paceBurst), gate.NewPace(rate.Every(keysEvery), keysBurst)}
}

// whose is what an attempt counts for: the browser where it is known, and else
// the address that it comes from.
func (s *Server) whose(r *http.Request) string {
	if d, ok := s.device(r); ok {
		return "device/" + d.ID
	}
	return gate.Origin(r)
}

// paced bounds attempts of one browser or address.
func (s *Server) paced(w http.ResponseWriter, r *http.Request) bool {
	if wait := s.pace.guesses.Take(s.whose(r), s.now()); wait > 0 {
		s.slow(w, r, wait)
		return false
	}
	return true
}

// keyPaced does the same for passkeys, and answers a page's script.
func (s *Server) keyPaced(w http.ResponseWriter, r *http.Request) bool {
	if wait := s.pace.keys.Take(s.whose(r), s.now()); wait > 0 {
		w.Header().Set("Retry-After", waitSeconds(wait))
		answerJSON(w, http.StatusTooManyRequests, map[string]string{"problem": "too many attempts; try again in a moment"})
		return false
	}
	return true
}
