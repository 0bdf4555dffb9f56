package panel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// DefaultAddr is where the page is served unless the configuration says
// otherwise.
const DefaultAddr = "127.0.0.1:8480"

const (
	refresh    = time.Second // between two events of a live page
	maxWatched = 8           // live pages at once; a further one reloads itself
)

//go:embed assets
var assets embed.FS

// policy allows the pages' own style, module and stream, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Page serves the gateway's pages: the driver's, the wall of a warehouse, scanning
// and all details. What they change is that an alarm is acknowledged, a step done
// and a code scanned: there are no accounts yet, so it is for whoever is on the
// gateway itself.
type Page struct {
	gateway   string
	source    Source
	log       *slog.Logger
	metrics   http.Handler  // of GET /metrics; nil for none
	alarms    Acknowledger  // nil: none can be acknowledged
	scanner   Scanning      // nil: nothing can be scanned
	messages  Messenger     // nil: none can be confirmed
	history   *History      // nil: no charts
	watched   chan struct{} // one slot for each live page
	ticked    ticked
	sparks    sparks
	templates map[string]*template.Template // by language
	feeds     map[string]*feed              // by face and language
	set       Settings
}

// NewPage makes the pages of a gateway.
func NewPage(gateway string, source Source, log *slog.Logger) *Page {
	p := &Page{gateway: gateway, source: source, log: log, watched: make(chan struct{}, maxWatched),
		templates: map[string]*template.Template{}, feeds: map[string]*feed{}}
	for tag, l := range locales {
		p.templates[tag] = template.Must(template.New("").Funcs(template.FuncMap{"t": l.say, "minus": minus}).ParseFS(assets, "assets/*.html"))
		for name := range faces {
			p.feeds[name+"/"+tag] = &feed{}
		}
	}
	return p
}

// Set says what the configuration says of the pages. It is for before Handler and
// Serve.
func (p *Page) Set(s Settings) { p.set = s }

// Courses has the pages draw charts. It is for before Handler and Serve.
func (p *Page) Courses(h *History) { p.history = h }

// Metrics has the page's port answer GET /metrics too. It is for before Handler
// and Serve.
func (p *Page) Metrics(h http.Handler) { p.metrics = h }

// Listen opens the page's port. addr is host:port where host is a loopback
// address; any other is refused, since the page asks nobody who they are.
func Listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("panel address %q: want HOST:PORT such as %s: %w", addr, DefaultAddr, err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("panel address %q: not a loopback address; the page has no accounts, so use %s and reach it from afar through ssh -L", addr, DefaultAddr)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("open the panel's port, choose another if it is taken: %w", err)
	}
	return l, nil
}

// Serve answers on l until ctx ends, and closes l. It returns nil after a
// clean end.
func (p *Page) Serve(ctx context.Context, l net.Listener) error {
	return serve(ctx, l, p.Handler(), p.log)
}

// Handler is the pages as an http.Handler.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	post := func(pattern string, h http.HandlerFunc) {
		mux.Handle("POST "+pattern, http.NewCrossOriginProtection().Handler(h))
	}
	mux.HandleFunc("GET /{$}", p.first)
	for name, f := range faces {
		if name == "scan" && p.scanner == nil {
			continue
		}
		mux.HandleFunc("GET /"+name, choose(name == "scan", p.scanPage, p.show(f)))
		mux.HandleFunc("GET /live/"+name, p.live(f))
	}
	mux.HandleFunc("GET /table", p.table)
	post("/prefer", p.prefer)
	post("/steps/{id}", p.tick)
	for name, kind := range map[string]string{"base.css": "text/css", "panel.css": "text/css", "face.css": "text/css", "face.mjs": "text/javascript", "scan.mjs": "text/javascript", "icon.svg": "image/svg+xml"} {
		mux.Handle("GET /"+name, asset(name, kind+"; charset=utf-8"))
	}
	if p.alarms != nil {
		mux.HandleFunc("GET /alarms/{id}", p.alarm)
		post("/alarms/{id}", p.acknowledge)
	}
	if p.messages != nil {
		post("/messages/{id}", p.confirm)
	}
	if p.scanner != nil {
		post("/scan", p.scan)
	}
	if p.metrics != nil {
		mux.Handle("GET /metrics", p.metrics)
	}
	return local(mux)
}

// first is the page at /, by what the gateway is in.
func (p *Page) first(w http.ResponseWriter, r *http.Request) {
	f, ok := map[string]face{Vehicle: faces["driver"], Site: faces["wall"]}[p.set.Kind]
	if !ok {
		f = faces["details"]
	}
	p.show(f)(w, r)
}

// tick takes that a step is done, or is not after all.
func (p *Page) tick(w http.ResponseWriter, r *http.Request) {
	if !p.form(w, r) {
		return
	}
	if id := r.PathValue("id"); len(id) <= 64 {
		p.ticked.set(id, r.PostForm.Get("done") != "no")
		p.stale()
	}
	back(w, r)
}

// local refuses requests under any host name but this machine's own, which a
// hostile page could otherwise have its name resolve to, and sets the headers
// that hold for all answers.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !loopbackHost(r.Host) {
			http.Error(w, "this page answers to localhost and loopback addresses alone", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopbackHost says whether a Host header names this machine; any port will
// do, as it differs through a tunnel.
func loopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func asset(name, kind string) http.Handler {
	b, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // embedded at build time
	}
	sum := sha256.Sum256(b)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(b))
	})
}
