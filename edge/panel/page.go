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

var pageTemplate = template.Must(template.ParseFS(assets, "assets/page.html"))

// policy allows this page's own style, module and stream, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Page serves the gateway's page. All it changes is that an alarm is
// acknowledged: there are no accounts yet, so it is for whoever is on the gateway
// itself.
type Page struct {
	gateway string
	source  Source
	log     *slog.Logger
	metrics http.Handler  // of GET /metrics; nil for none
	alarms  Acknowledger  // nil: none can be acknowledged
	watched chan struct{} // one slot for each live page
}

// NewPage makes the page of a gateway.
func NewPage(gateway string, source Source, log *slog.Logger) *Page {
	return &Page{gateway: gateway, source: source, log: log, watched: make(chan struct{}, maxWatched)}
}

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

// Handler is the page as an http.Handler.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.page)
	mux.HandleFunc("GET /live", p.live)
	mux.Handle("GET /panel.css", asset("panel.css", "text/css; charset=utf-8"))
	mux.Handle("GET /panel.mjs", asset("panel.mjs", "text/javascript; charset=utf-8"))
	if p.alarms != nil {
		mux.HandleFunc("GET /alarms/{id}", p.alarm)
		mux.Handle("POST /alarms/{id}", http.NewCrossOriginProtection().Handler(http.HandlerFunc(p.acknowledge)))
	}
	if p.metrics != nil {
		mux.Handle("GET /metrics", p.metrics)
	}
	return local(mux)
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

// render fills one of the templates with the present state. Without a snapshot
// it renders that, and err says why.
func (p *Page) render(ctx context.Context, name string) (html []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	v := view{}
	s, err := p.source.Snapshot(ctx)
	if err != nil {
		v = brokenView(p.gateway, err)
	} else {
		v = newView(s)
	}
	v.CanAcknowledge = p.alarms != nil
	var b bytes.Buffer
	if terr := pageTemplate.ExecuteTemplate(&b, name, v); terr != nil {
		return nil, fmt.Errorf("render panel: %w", terr)
	}
	return b.Bytes(), err
}

func (p *Page) page(w http.ResponseWriter, r *http.Request) {
	b, err := p.render(r.Context(), "page")
	if err != nil {
		p.log.Warn("panel has no snapshot", "err", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	w.Write(b)
}

// live streams the page's changing part as server-sent events.
func (p *Page) live(w http.ResponseWriter, r *http.Request) {
	select {
	case p.watched <- struct{}{}:
		defer func() { <-p.watched }()
	default:
		http.Error(w, fmt.Sprintf("%d live pages are open already: close one", maxWatched), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	if err := out.SetReadDeadline(time.Time{}); err != nil { // or the stream ends with it
		http.Error(w, "no stream over this connection: "+err.Error(), http.StatusInternalServerError)
		return
	}
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		b, _ := p.render(r.Context(), "now") // a missing snapshot is shown
		if b == nil || out.SetWriteDeadline(time.Now().Add(10*time.Second)) != nil {
			return
		}
		if _, err := w.Write(event(b)); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// event frames b as one server-sent event.
func event(b []byte) []byte {
	var e bytes.Buffer
	for line := range bytes.Lines(bytes.ReplaceAll(b, []byte("\r"), []byte(" "))) {
		e.WriteString("data: ")
		e.Write(bytes.TrimSuffix(line, []byte("\n")))
		e.WriteByte('\n')
	}
	e.WriteByte('\n')
	return e.Bytes()
}
