package patient

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"frostline/dashboards"
	"frostline/hub/event"
	"frostline/hub/policy"
	"frostline/hub/privacy"
)

// Prefix begins the paths of all that this package answers.
const Prefix = "/p/"

// Routes are what is answered, as hub/policy names it.
var Answers = []string{"GET " + Prefix + "{secret}", "POST " + Prefix + "{secret}", "GET " + Prefix + "{secret}/live"}

// Links opens links; *privacy.Links does.
type Links interface {
	Open(ctx context.Context, secret, answer, origin string) (session string, until time.Time, err error)
	Enter(ctx context.Context, secret, session string) (privacy.Visit, error)
}

// Events tells what happened; *event.Log does.
type Events interface {
	Last() int64
	Read(ctx context.Context, after int64, limit int, types ...string) ([]event.Event, error)
}

// Config is what a Server needs. All fields are required unless they say
// otherwise.
type Config struct {
	Links   Links
	Events  Events
	Sources Sources
	Log     *slog.Logger
	// Zone is the time zone of the pages, named on each. Default time.Local.
	Zone *time.Location
	// Contact is where patients ask, such as a name and a telephone number.
	// Default none.
	Contact string
	// Host says whether the page answers under the name in a Host header. Default
	// any: without the secret there is nothing to be had under any name.
	Host func(string) bool
	// Floor is how long an answer to what a link asks for takes at least, right or
	// wrong. Default 300 ms.
	Floor time.Duration
	Now   func() time.Time // default time.Now
}

// Server answers patients. Its methods may be called from any goroutine.
type Server struct {
	cfg     Config
	log     *slog.Logger
	now     func() time.Time
	hosts   func(string) bool
	locales map[string]*locale
	pages   *template.Template
	policy  string
	style   template.HTML
	assets  map[string]asset
	script  string // its name
	cross   *http.CrossOriginProtection
	board   *board
	answers slots
	loads   slots
	start   string // changes at each start, so that event numbers of another are known

	mu       sync.Mutex
	streams  int
	of       map[string]int // streams by link
	stopping chan struct{}
	stopped  bool
}

type asset struct {
	kind  string
	plain []byte
	gzip  []byte
}

// New checks the configuration and prepares the pages. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Links == nil || cfg.Events == nil || cfg.Log == nil {
		return nil, errors.New("patient: Links, Events and Log are required")
	}
	if err := cfg.Sources.check(); err != nil {
		return nil, err
	}
	for _, r := range Answers {
		if rule, ok := policy.Page(r); !ok || !rule.Open {
			return nil, fmt.Errorf("patient: route %q is not open to all in hub/policy/pages.go", r)
		}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Zone == nil {
		cfg.Zone = time.Local
	}
	if cfg.Host == nil {
		cfg.Host = func(string) bool { return true }
	}
	if cfg.Floor == 0 {
		cfg.Floor = 300 * time.Millisecond
	}
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	s := &Server{
		cfg: cfg, log: cfg.Log, now: cfg.Now, hosts: cfg.Host, cross: http.NewCrossOriginProtection(), answers: make(slots, answersWait),
		loads: make(slots, loads), start: hex.EncodeToString(b[:]), of: map[string]int{}, stopping: make(chan struct{}), assets: map[string]asset{},
	}
	var err error
	if s.locales, err = newLocales(cfg.Zone); err != nil {
		return nil, err
	}
	if err = s.load(); err != nil {
		return nil, err
	}
	s.board = newBoard(s)
	return s, nil
}

// load reads style, script and templates. The style is within the page, named by
// its hash in the policy: the page is usable after one round trip.
func (s *Server) load() error {
	style, err := fs.ReadFile(dashboards.Assets, "style/patient.css")
	if err != nil {
		return fmt.Errorf("style of the patient's page: %w", err)
	}
	s.style = template.HTML("<style>" + string(style) + "</style>")
	script, err := fs.ReadFile(dashboards.Assets, "modules/patient.js")
	if err != nil {
		return fmt.Errorf("script of the patient's page: %w", err)
	}
	named := sha256.Sum256(script)
	s.script = hex.EncodeToString(named[:6]) + ".js" // no secret has a dot
	s.assets[s.script] = asset{"text/javascript; charset=utf-8", script, compressed(script)}
	if s.pages, err = template.New("").Funcs(s.functions()).ParseFS(dashboards.Templates, "templates/patient.html"); err != nil {
		return fmt.Errorf("patient's page: %w", err)
	}
	sum := sha256.Sum256(style)
	s.policy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	return nil
}

func compressed(b []byte) []byte {
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
	_, _ = w.Write(b)
	_ = w.Close()
	return z.Bytes()
}

func takesGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request, a asset) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this is only read", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable") // named by its content; nothing of a patient
	h.Set("Vary", "Accept-Encoding")
	body := a.plain
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = a.gzip
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}

// Run tells deliveries to those who watch, until ctx ends; then it ends their
// streams and returns nil. It may be called once.
func (s *Server) Run(ctx context.Context) error {
	s.board.run(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	close(s.stopping)
	return nil
}

// Counts are for health checks.
type Counts struct {
	Watching   int    // streams that are open
	Deliveries int    // that somebody watches
	Failures   uint64 // deliveries that could not be told for a second, since the start
	Failing    string // why the last could not, "" where all can
}

// Counts tells how many watch.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	n := s.streams
	s.mu.Unlock()
	d, failures, failing := s.board.counts()
	return Counts{n, d, failures, failing}
}
