package web

import (
	"time"

	"golang.org/x/time/rate"

	"frostline/hub/gate"
)

// Who is not signed in may try to sign in so often, from one address.
const (
	paceBurst = 60
	paceEvery = 2 * time.Second
)

// newPace bounds what strangers may try, by the address that they come from.
func newPace() *gate.Pace { return gate.NewPace(rate.Every(paceEvery), paceBurst) }
