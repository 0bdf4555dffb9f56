package panel

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
)

type lever struct{ cut atomic.Bool }

func (l *lever) Cut(cut bool) { l.cut.Store(cut) }

// run serves a socket in a fresh data directory until the test ends.
func run(t *testing.T, source Source) (dir string, link *lever) {
	t.Helper()
	dir, link = t.TempDir(), &lever{}
	l, err := ListenSocket(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- NewSocket(source, link, quiet()).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	return dir, link
}

func TestStatusOverTheSocket(t *testing.T) {
	for _, name := range stateNames() {
		t.Run(name, func(t *testing.T) {
			s := inState(name)
			dir, _ := run(t, fixed{s})
			got, err := NewClient(dir).Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if want := newStatus(s); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
	dir, _ := run(t, mute{})
	if _, err := NewClient(dir).Status(t.Context()); err == nil || !strings.Contains(err.Error(), "snapshot journal: timed out") {
		t.Errorf("without a snapshot: %v", err)
	}
}

func TestLinkIsPulledAndRestored(t *testing.T) {
	dir, link := run(t, fixed{fineGateway()})
	c := NewClient(dir)
	for _, up := range []bool{false, false, true} {
		if err := c.SetLink(t.Context(), up); err != nil {
			t.Fatal(err)
		}
		if link.cut.Load() != !up {
			t.Errorf("after link up=%t: cut is %t", up, link.cut.Load())
		}
	}
}

func TestSocketRefusesWhatItDoesNotUnderstand(t *testing.T) {
	link := &lever{}
	h := NewSocket(fixed{fineGateway()}, link, quiet()).Handler()
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/link", `{}`, 400},
		{"POST", "/link", `{"up":"no"}`, 400},
		{"POST", "/link", `{"up":false,"for":1}`, 400},
		{"POST", "/link", `{"up":false}{"up":true}`, 400},
		{"POST", "/link", `{"up":` + strings.Repeat(" ", 4096) + `false}`, 400},
		{"POST", "/link", ``, 400},
		{"GET", "/link", ``, 405},
		{"POST", "/status", ``, 405},
		{"GET", "/", ``, 404},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
		if w.Code != c.want {
			t.Errorf("%s %s %.30s: got %d, want %d", c.method, c.path, c.body, w.Code, c.want)
		}
	}
	if link.cut.Load() {
		t.Error("a refused order cut the link")
	}
}

func TestSocketIsItsOwnersAlone(t *testing.T) {
	dir, _ := run(t, fixed{fineGateway()})
	info, err := os.Stat(filepath.Join(dir, SocketName))
	if err != nil {
		t.Fatal(err)
	}
	if m := info.Mode(); m.Perm() != 0o600 || m.Type() != os.ModeSocket {
		t.Errorf("socket has mode %v, want 0600", m)
	}
	if _, err := ListenSocket(dir); !errors.Is(err, ErrRunning) {
		t.Errorf("a second agent: got %v, want ErrRunning", err)
	}
	if _, err := NewClient(dir).Status(t.Context()); err != nil {
		t.Errorf("the first agent after a second one tried: %v", err)
	}
}

func TestSocketOfAKilledAgentIsReplaced(t *testing.T) {
	dir := t.TempDir()
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, SocketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	if _, err := NewClient(dir).Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("with nobody behind the socket: got %v, want ErrNotRunning", err)
	}
	l, err := ListenSocket(dir)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := NewClient(dir).Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without a socket: got %v, want ErrNotRunning", err)
	}
	if _, err := ListenSocket(filepath.Join(dir, strings.Repeat("long/", 25))); err == nil || !strings.Contains(err.Error(), "shorter data directory") {
		t.Errorf("a path too long: %v", err)
	}
}

func TestClientDoesNotBelieveAnybody(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"no JSON":   func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello")) },
		"endless":   func(w http.ResponseWriter, r *http.Request) { w.Write(bytes.Repeat([]byte("["), maxAnswer+1)) },
		"no reason": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, err := ListenSocket(dir)
			if err != nil {
				t.Fatal(err)
			}
			srv := &http.Server{Handler: h}
			go srv.Serve(l)
			defer srv.Close()
			if _, err := NewClient(dir).Status(t.Context()); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestTextOfEachState(t *testing.T) {
	for _, name := range stateNames() {
		s := inState(name)
		s.Uplink.Why += "\x1b[31m"
		var b bytes.Buffer
		if err := WriteText(&b, Status{Snapshot: s, Verdict: Judge(s)}); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		if !strings.Contains(text, Judge(s).Says) || strings.Contains(text, "\x1b") {
			t.Errorf("%s:\n%s", name, text)
		}
		if testing.Verbose() {
			t.Logf("%s:\n%s", name, text)
		}
	}
}
