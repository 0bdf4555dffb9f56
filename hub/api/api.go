// Package api is the hub's JSON interface for programs on the same machine,
// above all the command line: HTTP over a Unix socket. Who may open the socket
// is decided by file permissions alone (0600, in a directory nobody else may
// write to), and who did is logged by the kernel's word, not the caller's.
//
// Errors are application/problem+json. Long answers are streamed; one that is
// cut short is never ended as if it were whole.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"frostline/hub/event/relay"
	"frostline/hub/view"
	"frostline/proto/enrol"
)

// Fleet tells what the hub knows of its gateways.
type Fleet interface {
	Gateways(ctx context.Context) ([]view.Gateway, error)
	Accounts(ctx context.Context) ([]view.Account, error)
}

// History gives what was committed.
type History interface {
	// Readings calls visit for each dated reading of s from UTC from
	// (inclusive) to to (exclusive), in order of time.
	Readings(ctx context.Context, s view.Series, from, to int64, visit func(view.Reading) error) error
	// Undated counts the readings of s that no clock source has dated so far.
	Undated(ctx context.Context, s view.Series) (uint64, error)
}

// Feed tells of each commit after it is synced.
type Feed interface {
	// Watch calls fn for each commit from now on until stop is called. fn
	// returns quickly.
	Watch(fn func(view.Batch)) (stop func())
}

// Access admits gateways and turns them away. actor is kept in its trail.
type Access interface {
	NewCode(ctx context.Context, actor, gateway string) (code enrol.Code, expires time.Time, err error)
	Revoke(ctx context.Context, actor, gateway, reason string) error
}

// Authority issues certificates for an external broker.
type Authority interface {
	PEM() []byte
	IssueBroker(hosts []string, lifetime time.Duration) (certPEM, keyPEM []byte, err error)
}

// Config is what a Server needs. All fields are required unless they say
// otherwise.
type Config struct {
	Socket    string // path of the Unix socket
	Fleet     Fleet
	History   History
	Feed      Feed
	Access    Access
	Authority Authority
	CRL       string        // path of the list of revoked certificates that the hub keeps
	Enrol     string        // host:port at which gateways enrol, for the command that is printed
	Web       string        // address of the pages, told by health; may be empty
	Origin    func() string // under which links name the pages; nil: links are told without
	// Checks are asked by health, by name; nil says that a part is well. May
	// be empty.
	Checks map[string]func(context.Context) error
	// People keeps persons and tokens; nil where the hub has none.
	People People
	// Events is the log of domain events, and Relay what publishes them; nil
	// where the hub has none.
	Events Events
	Relay  func() relay.Status
	// Thinned tells what remains of thinned readings; nil where nobody does.
	Thinned Thinned
	// Journals takes in journal files; nil where the hub does not.
	Journals Journals
	// Releases takes in releases of the gateway agent; nil where the hub does not.
	Releases Releases
	// Rest answers whatever is not under /v1, with bounds of its own; see Actor
	// for who asks. May be nil.
	Rest http.Handler
	Log  *slog.Logger
	Now  func() time.Time // default time.Now
}

const (
	answerWithin = 15 * time.Second // of one piece of an answer
	drainWithin  = 5 * time.Second
	maxBody      = 64 << 10
	maxTails     = 64
)

// Server answers on the socket. Its methods may be called from any goroutine.
type Server struct {
	cfg     Config
	log     *slog.Logger
	now     func() time.Time
	handler http.Handler
	started time.Time
	ready   chan struct{}

	stopping chan struct{}
	tails    chan struct{} // holds a token for each tail that is open
	hauls    chan struct{} // likewise for each file that is taken in
}

// New checks the configuration. It does not listen yet.
func New(cfg Config) (*Server, error) {
	if cfg.Socket == "" || cfg.Fleet == nil || cfg.History == nil || cfg.Feed == nil || cfg.Access == nil || cfg.Authority == nil || cfg.Log == nil {
		return nil, errors.New("api: Socket, Fleet, History, Feed, Access, Authority and Log are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{
		cfg: cfg, log: cfg.Log, now: cfg.Now, started: cfg.Now(), ready: make(chan struct{}),
		stopping: make(chan struct{}), tails: make(chan struct{}, maxTails), hauls: make(chan struct{}, maxHauls),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/health", s.health)
	mux.HandleFunc("GET /v1/gateways", s.gateways)
	mux.HandleFunc("GET /v1/accounts", s.accounts)
	mux.HandleFunc("GET /v1/history", s.history)
	mux.HandleFunc("GET /v1/gateways/{gateway}/tail", s.tail)
	mux.HandleFunc("POST /v1/gateways/{gateway}/code", s.code)
	mux.HandleFunc("POST /v1/gateways/{gateway}/revoke", s.revoke)
	mux.HandleFunc("POST /v1/broker-config", s.brokerConfig)
	if cfg.Releases != nil {
		mux.HandleFunc("POST "+publishPath, s.publish)
	}
	if cfg.People != nil {
		s.people(mux)
	}
	if cfg.Events != nil {
		mux.HandleFunc("POST /v1/rebuild", s.rebuild)
		mux.HandleFunc("GET /v1/events", s.events)
		mux.HandleFunc("POST /v1/events/retry", s.retry)
	}
	if cfg.Thinned != nil {
		mux.HandleFunc("GET /v1/gateways/{gateway}/thinned", s.thinned)
	}
	if cfg.Journals != nil {
		mux.HandleFunc("POST "+haulPath, s.haul)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, "no such call", r.Method+" "+r.URL.Path+" is not part of this hub's interface; is the command line of the same version?")
	})
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cfg.Rest != nil && !strings.HasPrefix(r.URL.Path, "/v1/") {
			cfg.Rest.ServeHTTP(w, r)
			return
		}
		if r.URL.Path != haulPath && r.URL.Path != publishPath { // their bodies are read as they come
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	})
	return s, nil
}

// Ready is closed when the socket takes connections.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Run listens on the socket and serves until ctx ends, then lets answers under
// way finish for a few seconds and returns nil. It may be called once.
func (s *Server) Run(ctx context.Context) error {
	ln, release, err := listen(s.cfg.Socket)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.cfg.Socket, err)
	}
	defer release()
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       answerWithin,
		WriteTimeout:      2 * answerWithin,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, peerOf(c))
		},
	}
	failed := make(chan error, 1)
	var serving sync.WaitGroup
	serving.Go(func() { failed <- server.Serve(ln) })
	close(s.ready)
	s.log.Info("commands are answered", "socket", s.cfg.Socket)
	select {
	case err := <-failed:
		return fmt.Errorf("serve commands: %w", err)
	case <-ctx.Done():
	}
	close(s.stopping)
	drain, done := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer done()
	if err := server.Shutdown(drain); err != nil {
		s.log.Warn("some commands did not end in time and were cut", "within", drainWithin, "error", err)
		_ = server.Close()
	}
	serving.Wait()
	return nil
}
