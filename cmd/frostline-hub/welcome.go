package main

import (
	"context"
	"log/slog"
	"time"

	"frostline/hub/people"
)

// welcome prints the link by which the first administrator enters, while there
// is nobody. There is no password that a hub comes with.
type welcome struct {
	first  func(context.Context) (secret string, l people.Link, ok bool, err error)
	origin string // of the pages
	log    *slog.Logger
}

// welcomeAgain is how long a store that takes no link rests.
const welcomeAgain = 10 * time.Second

// Run tries until the link is printed, somebody is entered, or ctx ends: a hub
// that starts on a full disk has gateways to answer meanwhile.
func (w welcome) Run(ctx context.Context) {
	for failed := false; ; failed = true {
		secret, l, ok, err := w.first(ctx)
		switch {
		case ok:
			w.log.Warn("nobody is entered yet: whoever opens this link first becomes the administrator; it is good once, and is made anew at each start and by: frostline user invite --first",
				"link", w.origin+"/enter/"+secret, "until", time.UnixMilli(l.Expires).UTC().Format(time.RFC3339))
			return
		case err == nil:
			return
		case ctx.Err() == nil && !failed:
			w.log.Error("the link of the first administrator cannot be made; tried again until it works", "every", welcomeAgain, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(welcomeAgain):
		}
	}
}
