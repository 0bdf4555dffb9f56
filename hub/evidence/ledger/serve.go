package ledger

import (
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
)

// tilePath is what tlog-tiles (c2sp.org/tlog-tiles) lets a client ask for:
// hash tiles and entry bundles, full or partial.
var tilePath = regexp.MustCompile(`^/tile/(entries|[0-9]{1,2})(/x[0-9]{3}){0,6}/[0-9]{3}(\.p/[0-9]{1,3})?$`)

// ServeHTTP serves the log read-only as tlog-tiles: /checkpoint, /tile/… and,
// beyond the standard, /key with the verifier key, all also under /log. Entries are domain events and seals: whoever may read it
// may read these.
func (l *Ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the log is read-only", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch path := strings.TrimPrefix(r.URL.Path, "/log"); {
	case path == "/checkpoint":
		c, ok := l.Latest()
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, c.Note)
	case path == "/key":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, l.Key()+"\n")
	case tilePath.MatchString(path):
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		http.ServeFile(w, r, filepath.Join(l.files.Root, filepath.FromSlash(path)))
	default:
		http.NotFound(w, r)
	}
}
