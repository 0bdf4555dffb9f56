package rest

import (
	"time"

	"golang.org/x/time/rate"

	"frostline/hub/gate"
)

const (
	perSecond  = 100 // requests of one caller, lasting
	burst      = 300
	guesses    = 20 // requests without a valid token from one place, at once
	guessEvery = 3 * time.Second
)

// bounds makes what bounds what one caller, and all together, may ask.
func (a *API) bounds() {
	a.running = make(chan struct{}, concurrency)
	a.callers = gate.NewPace(perSecond, burst)
	a.strangers = gate.NewPace(rate.Every(guessEvery), guesses)
}
