package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"frostline/hub/people"
)

// A store that takes nothing for a while does not end the hub: it is told once,
// and the link is printed when it can be.
func TestWelcomeOutlastsAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		tries := 0
		welcome{func(context.Context) (string, people.Link, bool, error) {
			if tries++; tries < 5 {
				return "", people.Link{}, false, errors.New("database or disk is full")
			}
			return "secret", people.Link{}, true, nil
		}, "http://127.0.0.1:8080", slog.New(slog.NewTextHandler(&said, nil))}.Run(t.Context())
		if n := strings.Count(said.String(), "disk is full"); n != 1 || tries != 5 || !strings.Contains(said.String(), "http://127.0.0.1:8080/enter/secret") {
			t.Errorf("%d tries, the failure told %d times:\n%s", tries, n, said.String())
		}
	})
}

// Where somebody is entered there is no link; a hub that is told to stop stops.
func TestWelcomeEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	w := welcome{func(context.Context) (string, people.Link, bool, error) {
		tries++
		return "", people.Link{}, false, nil
	}, "", slog.New(slog.DiscardHandler)}
	w.Run(ctx)
	cancel()
	w.first = func(context.Context) (string, people.Link, bool, error) {
		tries++
		return "", people.Link{}, false, context.Canceled
	}
	w.Run(ctx)
	if tries != 2 {
		t.Errorf("%d tries, want one each", tries)
	}
}
