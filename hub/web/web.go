// Package web is the hub's pages: all gateways and their sensors, one sensor
// over a chosen time, and the account. Pages are rendered on the server and
// complete without JavaScript; with it they follow what changes by server-sent
// events.
//
// Whoever looks is signed in, and sees what the table of hub/policy gives to
// their roles; a route without an entry there keeps the pages from starting.
// Without TLS the pages listen on loopback alone. They answer only requests that
// name the hub by a name of its own: a page elsewhere cannot reach it by
// renaming itself (DNS rebinding).
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"frostline/hub/people"
	"frostline/hub/people/passkey"
	"frostline/hub/view"
)

// Fleet tells what the hub knows of its gateways. Its methods are called from
// many goroutines at once, each second while a page is open, and answer within
// a second or so.
type Fleet interface {
	// Gateways gives all gateways, in order of id, with their sensors and each
	// series' newest reading.
	Gateways(ctx context.Context) ([]view.Gateway, error)
	// Accounts gives the account of each gateway and epoch, in that order.
	Accounts(ctx context.Context) ([]view.Account, error)
}

// History gives what was committed. It is called from many goroutines at once.
type History interface {
	// Readings calls visit for each dated reading of s from UTC from
	// (inclusive) to to (exclusive), in order of time. It ends with visit's
	// error if that is not nil.
	Readings(ctx context.Context, s view.Series, from, to int64, visit func(view.Reading) error) error
	// Undated counts the readings of s that no clock source has dated so far.
	Undated(ctx context.Context, s view.Series) (uint64, error)
}

// Feed tells of each commit after it is synced.
type Feed interface {
	// Watch calls fn for each commit from now on, in order for each gateway,
	// until stop is called; no call begins after stop has returned. fn returns
	// quickly and may be called from several goroutines at once.
	Watch(fn func(view.Batch)) (stop func())
}

// Config is what a Server needs. All fields are
// required unless they say otherwise.
type Config struct {
	// Addr is the address to listen on, such as 127.0.0.1:8080; port 0 takes a
	// free one. Without TLS it is one of loopback.
	Addr     string
	Access   Access         // who is signed in, and how
	Passkeys passkey.Keeper // nil: no passkeys
	Provider Provider       // nil: none signs people in
	TLS      *tls.Config    // nil: HTTP, for this machine alone
	// Names are host names and addresses, besides loopback, under which the hub is
	// reached by TLS. The first is that of links, and of passkeys.
	Names    []string
	Fleet    Fleet
	History  History
	Feed     Feed
	Stories  Stories  // nil: no pages about packages
	Dispatch Dispatch // nil: no dispatcher's board
	// Excursions are what people do about excursions; nil: the pages only show them.
	Excursions Excursions
	Trace      Trace        // nil: no pages of traceability
	Lookup     Lookup       // required with Trace
	Sagas      Sagas        // nil: no pages about what follows from excursions
	Holds      Holds        // required with Sagas
	Operations *Operations  // nil: no pages for operators
	Program    http.Handler // answers what is no page: the interface for programs; nil for none
	// Parts tells how each part of the hub is doing; it is called for each
	// visit of the first page. nil: nothing is told.
	Parts   func(ctx context.Context) []view.Part
	Metrics http.Handler // answers /metrics, for Prometheus; nil for none
	Log     *slog.Logger
	Now     func() time.Time // default time.Now

	vouched *people.Person // of tests: who every request is by
}

// Limits of what a client may ask and hold.
const (
	maxStreams   = 256
	maxHeader    = 16 << 10
	writeWithin  = 15 * time.Second // of one piece of an answer
	drainWithin  = 5 * time.Second  // of the answers under way at shutdown
	pollEvery    = time.Second      // of Fleet while a page follows
	pollDeadline = 10 * time.Second
)

// Server serves the pages. Its methods may be called from any goroutine.
type Server struct {
	cfg     Config
	log     *slog.Logger
	now     func() time.Time
	addr    string
	handler http.Handler
	routes  *routes
	seals   *sealer
	pace    paces
	pages   *pages
	spoken  *spoken
	live    *live
	sparks  *sketches
	hub     string // changes at each start, so that event numbers of another one are known
	ready   chan struct{}
	url     string        // set before ready is closed
	wake    chan struct{} // asks for a poll now
	uploads chan struct{} // holds one for each that is being read

	mu       sync.Mutex
	streams  int
	stopping chan struct{} // closed when streams have to end
	layout   string
	desk     *passkey.Desk // nil before the first passkey
	failing  bool          // the last poll failed, and was logged
}

// New checks the configuration and prepares the pages. It does not listen yet.
func New(cfg Config) (*Server, error) {
	addr := cfg.Addr
	if cfg.TLS == nil {
		var err error
		if addr, err = loopback(cfg.Addr); err != nil {
			return nil, err
		}
	}
	if cfg.Fleet == nil || cfg.History == nil || cfg.Feed == nil || cfg.Log == nil || cfg.Access == nil && cfg.vouched == nil {
		return nil, errors.New("web: Fleet, History, Feed, Access and Log are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{
		cfg: cfg, log: cfg.Log, now: cfg.Now, addr: addr, live: newLive(cfg.Now),
		hub: token(), ready: make(chan struct{}), wake: make(chan struct{}, 1), uploads: make(chan struct{}, uploadsAtOnce), stopping: make(chan struct{}),
	}
	s.sparks = newSketches(s)
	s.seals, s.pace = &sealer{access: cfg.Access, now: cfg.Now}, newPaces()
	var err error
	if s.pages, s.spoken, err = newPages(); err != nil {
		return nil, err
	}
	assets, err := newAssets()
	if err != nil {
		return nil, err
	}
	mux := newRoutes()
	s.routes = mux
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /sensor/{gateway}/{sensor}", s.sensor)
	mux.HandleFunc("GET /data/{gateway}/{sensor}/{quantity}", s.data)
	mux.HandleFunc("GET /export/{gateway}/{sensor}/{quantity}", s.export)
	mux.HandleFunc("GET /account", s.account)
	mux.HandleFunc("GET /live", s.stream)
	if cfg.Stories != nil {
		s.storyRoutes(mux)
		if cfg.Excursions != nil {
			s.workRoutes(mux)
		}
	}
	if cfg.Dispatch != nil {
		mux.HandleFunc("GET /dispatch", s.board)
		mux.HandleFunc("POST /dispatch/{id}/order", s.applyOrder)
		mux.HandleFunc(boardStopRoute, s.boardStop)
		mux.HandleFunc(boardRecallRoute, s.boardRecall)
		mux.HandleFunc(boardMessageRoute, s.boardMessage)
	}
	if cfg.Trace != nil {
		if cfg.Lookup == nil {
			return nil, errors.New("web: Lookup is required where there is Trace")
		}
		s.traceRoutes(mux)
	}
	if cfg.Sagas != nil {
		if cfg.Holds == nil {
			return nil, errors.New("web: Holds is required where there is Sagas")
		}
		s.sagaRoutes(mux)
	}
	if cfg.Operations != nil {
		s.fleetRoutes(mux)
	}
	s.accessRoutes(mux)
	mux.HandleFunc("GET /health", s.health)
	if cfg.Metrics != nil {
		mux.Handle("GET /metrics", cfg.Metrics)
	}
	mux.Handle("GET /assets/", http.StripPrefix("/assets", assets))
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, http.StatusNotFound, "There is no such page", "Nothing is known under "+r.URL.Path+".")
	})
	if err := mux.check(); err != nil {
		return nil, err
	}
	s.handler = s.guard(s.admitted(mux.mux))
	if cfg.Program != nil {
		s.handler = s.split(s.handler, cfg.Program)
	}
	return s, nil
}

// loopback checks that addr can be reached from this machine alone.
func loopback(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("web address %q: %w; want 127.0.0.1:8080 or another port", addr, err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return "", fmt.Errorf("web address %q: without TLS the pages listen on this machine alone: set tls, or use 127.0.0.1:%s, and an SSH tunnel (ssh -L %s:127.0.0.1:%s HOST) from elsewhere", addr, port, port, port)
	}
	return net.JoinHostPort(host, port), nil
}

// Ready is closed when the server listens; URL is known from then on.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// URL is the address of the first page. It waits for Ready.
func (s *Server) URL() string {
	<-s.ready
	return s.url
}

// Origin is how links name the pages, without a slash at the end. By loopback
// that is localhost, since passkeys are bound to names. It waits for Ready.
func (s *Server) Origin() string {
	u, err := url.Parse(s.URL())
	if err != nil {
		return ""
	}
	name := "localhost"
	if s.cfg.TLS != nil && len(s.cfg.Names) > 0 {
		name = s.cfg.Names[0]
	}
	if port := u.Port(); port != "" && !(u.Scheme == "https" && port == "443") && !(u.Scheme == "http" && port == "80") {
		name = net.JoinHostPort(name, port)
	}
	return u.Scheme + "://" + name
}

// Handler answers requests, without a listener. Pages follow changes only
// while Run runs.
func (s *Server) Handler() http.Handler { return s.handler }

// Run listens and serves until ctx ends. Then it ends the event streams, lets
// other answers finish for a few seconds, and returns nil. It may be called
// once.
func (s *Server) Run(ctx context.Context) error {
	ln, err := net.Listen("tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen for pages on %s: %w; choose another port, or stop what uses it", s.addr, err)
	}
	s.url = "http://" + ln.Addr().String() + "/"
	if s.cfg.TLS != nil {
		s.url = "https://" + ln.Addr().String() + "/"
	}
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * writeWithin,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         s.cfg.TLS,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	stop := s.cfg.Feed.Watch(s.take)
	defer stop()
	var follow sync.WaitGroup
	inner, cancel := context.WithCancel(ctx)
	defer func() { cancel(); follow.Wait() }()
	follow.Go(func() { s.poll(inner) })
	follow.Go(func() { s.release(inner) })
	if s.cfg.Dispatch != nil {
		follow.Go(func() { s.followBoard(inner) })
	}

	failed := make(chan error, 1)
	go func() {
		if s.cfg.TLS != nil {
			failed <- server.ServeTLS(ln, "", "")
			return
		}
		failed <- server.Serve(ln)
	}()
	close(s.ready)
	s.log.Info("pages are served", "url", s.url)
	select {
	case err := <-failed:
		return fmt.Errorf("serve pages: %w", err)
	case <-ctx.Done():
	}
	close(s.stopping)
	drain, done := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer done()
	if err := server.Shutdown(drain); err != nil {
		s.log.Warn("some answers did not end in time and were cut", "within", drainWithin, "error", err)
		_ = server.Close()
	}
	return nil
}
