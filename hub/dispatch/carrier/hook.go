package carrier

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// readWithin is the time that a message has to arrive.
const readWithin = 10 * time.Second

// Pattern is where the webhooks of partners are, for http.ServeMux.
const Pattern = "POST /carriers/{carrier}/webhook"

// ServeHTTP takes a message of a partner: 202 once it is kept, synced. A message
// that was taken before is answered likewise. What does not prove where it is
// from is answered with 401 and never kept; an unknown partner gets the same.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	p := d.carriers[r.PathValue("carrier")]
	if p == nil || p.Incoming == nil {
		http.Error(w, errSigned.Error(), http.StatusUnauthorized)
		return
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		http.Error(w, "header Content-Type: want application/json", http.StatusUnsupportedMediaType)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readWithin))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxMessage))
	if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
		http.Error(w, "body: want at most "+strconv.Itoa(MaxMessage)+" bytes", http.StatusRequestEntityTooLarge)
		return
	} else if err != nil {
		http.Error(w, "body: it ended early", http.StatusBadRequest)
		return
	}
	now := d.o.Now()
	if err := p.Verify(r.Header, body, now); err != nil {
		d.forged(w, p, now, err)
		return
	}
	if !p.pace.AllowN(now, 1) {
		h.Set("Retry-After", "1")
		http.Error(w, "too many messages; send it again in a second", http.StatusTooManyRequests)
		return
	}
	again, err := d.take(r.Context(), p.Carrier, body)
	switch {
	case errors.Is(err, errFull):
		h.Set("Retry-After", "300")
		http.Error(w, err.Error()+"; send it again later", http.StatusServiceUnavailable)
		if p.quiet.may(now) {
			d.o.Log.Error("messages of a carrier are not taken: too many wait for a person", "carrier", p.Carrier, "most", maxAside)
		}
		return
	case err != nil:
		d.counts.failures.Add(1)
		d.o.Log.Error("message of a carrier was not kept, and not acknowledged", "carrier", p.Carrier, "error", err)
		h.Set("Retry-After", "5")
		http.Error(w, "it could not be kept now; send it again", http.StatusServiceUnavailable)
		return
	case again:
		d.counts.again.Add(1)
	default:
		d.counts.taken.Add(1)
		wake(p.came)
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"accepted":true}`+"\n")
}

// forged answers who cannot prove where a message is from. Who can is not held
// up by however many that cannot.
func (d *Desk) forged(w http.ResponseWriter, p *partner, now time.Time, err error) {
	d.counts.forged.Add(1)
	if !p.guesses.AllowN(now, 1) {
		w.Header().Set("Retry-After", strconv.Itoa(int(guessEvery.Seconds())))
		http.Error(w, "too many messages that do not prove where they are from", http.StatusTooManyRequests)
		return
	}
	if p.quiet.may(now) {
		d.o.Log.Warn("a message does not prove that it is from the carrier; told once a minute", "carrier", p.Carrier)
	}
	http.Error(w, err.Error(), http.StatusUnauthorized)
}
