package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func TestRestIsAskedAsTheKernelNamesTheCaller(t *testing.T) {
	b := &backend{}
	socket := filepath.Join(short(t), "s")
	s, err := New(Config{Socket: socket, Fleet: b, History: b, Feed: b, Access: b, Authority: b, Log: slog.New(slog.DiscardHandler),
		Rest: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprintf(w, "%s %d %v", Actor(r), n, err)
		})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-s.Ready()
	defer func() { cancel(); <-done }()
	c := NewClient(socket)
	body := make([]string, maxBody) // more than a call under /v1 may send
	resp, err := c.open(t.Context(), "POST", "/orders", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	if want := fmt.Sprintf("os/%d %d <nil>", os.Getuid(), 3*maxBody+1); string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// Without People, their calls are not there.
	if _, err := c.People(t.Context()); err == nil {
		t.Error("a hub without people lists them")
	}
	if got := Actor(&http.Request{}); got != "" {
		t.Errorf("a request from elsewhere is of %q", got)
	}
}
