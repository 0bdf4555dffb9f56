package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/transparency-dev/tessera/api/layout"
)

// tilePath is what tlog-tiles (c2sp.org/tlog-tiles) lets a client ask for: hash
// tiles, full or partial.
var tilePath = regexp.MustCompile(`^/tile/[0-9]{1,2}(/x[0-9]{3}){0,6}/[0-9]{3}(\.p/[0-9]{1,3})?$`)

// ServeHTTP serves the log's hashes read-only as tlog-tiles: /checkpoint,
// /tile/LEVEL/… and, beyond the standard, /key with the verifier key, all also
// under /log. That is enough to witness the log and to check proofs. Entries
// say what happened, and are not for everybody: see Bundle.
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

// Bundle gives the entries 256·n to 256·n+255, or as many of them as there are
// under the latest checkpoint, as an entry bundle of tlog-tiles. It fails with
// ErrNoBundle beyond the log's end.
func (l *Ledger) Bundle(ctx context.Context, n uint64) ([]byte, error) {
	c, _ := l.Latest()
	if n >= (c.Size+255)/256 {
		return nil, fmt.Errorf("bundle %d of a log of %d entries: %w", n, c.Size, ErrNoBundle)
	}
	b, err := l.files.ReadEntryBundle(ctx, n, layout.PartialTileSize(0, n, c.Size))
	if err != nil {
		return nil, fmt.Errorf("read entries %d… of evidence log: %w", 256*n, err)
	}
	return b, nil
}

// ErrNoBundle: the log is shorter.
var ErrNoBundle = errors.New("the log ends before it")
