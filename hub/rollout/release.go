package rollout

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/proto/release"
)

// Release is a release that was published here.
type Release struct {
	ID        string
	Version   string
	Platforms []string // such as linux/arm64
	Actor     string
	Reason    string
	Published int64 // UTC, Unix ms
	manifest  []byte
	signature []byte
}

const (
	// incoming begins the names of files that are not whole yet.
	incoming = "incoming-"

	maxServing = 32      // pieces at a time
	maxPiece   = 1 << 20 // bytes
)

// Publish takes in a release file, whole or not at all. That of one which is here
// already changes nothing. The hub judges no signature: gateways do. The error
// wraps ErrInvalid where the file is not what its manifest says.
func (k *Keeper) Publish(ctx context.Context, actor, reason string, file io.Reader) (Release, error) {
	var r Release
	err := release.Read(file, func(m *release.Manifest, manifest, signature []byte) error {
		r = Release{ID: release.ID(manifest), Version: m.Version, Actor: actor, Reason: reason, Published: k.o.Now().UnixMilli(), manifest: manifest, signature: signature}
		for _, p := range m.Programs {
			r.Platforms = append(r.Platforms, p.OS+"/"+p.Arch)
		}
		return nil
	}, func(p release.Program, in io.Reader) error { return k.take(p, in) })
	if errors.Is(err, release.ErrMalformed) || errors.Is(err, release.ErrForged) {
		return Release{}, fmt.Errorf("release: %w: %w", ErrInvalid, err)
	}
	if err != nil {
		return Release{}, err
	}
	_, err = k.o.Events.Command(ctx, actor, func(ctx context.Context, c event.Change) error {
		known, err := readRelease(ctx, c, r.ID)
		if err == nil {
			r = known
			return nil
		}
		if !errors.Is(err, ErrUnknown) {
			return err
		}
		if _, err := c.Append(ctx, event.New{Stream: "release/" + r.ID, Expect: -1, Type: fact.ReleaseWasPublished, Reason: reason,
			Data: fact.ReleasePublished{Release: r.ID, Version: r.Version, Platforms: r.Platforms}}); err != nil {
			return err
		}
		_, err = c.Tx().Exec(ctx, "INSERT INTO rollout_release (id, version, manifest, signature, actor, reason, published_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			r.ID, r.Version, r.manifest, r.signature, actor, reason, r.Published)
		return err
	})
	return r, err
}

// take keeps a packed program, once it is plain that it is the one of the
// manifest.
func (k *Keeper) take(p release.Program, in io.Reader) error {
	f, err := os.CreateTemp(k.o.Dir, incoming+"*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already where all went well
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), in)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != p.Packed.Size || got != p.Packed.SHA256 {
		return fmt.Errorf("program for %s/%s: %w: it has %d bytes and SHA-256 %s, and the manifest says %d and %s", p.OS, p.Arch, release.ErrForged, n, got, p.Packed.Size, p.Packed.SHA256)
	}
	if err := os.Rename(f.Name(), filepath.Join(k.o.Dir, p.Packed.SHA256)); err != nil {
		return err
	}
	d, err := os.Open(k.o.Dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

const releaseColumns = "id, version, manifest, signature, actor, reason, published_ms"

func scanRelease(scan func(...any) error) (r Release, err error) {
	if err = scan(&r.ID, &r.Version, &r.manifest, &r.signature, &r.Actor, &r.Reason, &r.Published); err != nil {
		return r, err
	}
	m, err := release.Parse(r.manifest)
	if err != nil {
		return r, fmt.Errorf("release %s of the store: %w", r.ID, err)
	}
	for _, p := range m.Programs {
		r.Platforms = append(r.Platforms, p.OS+"/"+p.Arch)
	}
	return r, nil
}

// Release gives a release by its id, or the only one of a version. The error
// wraps ErrUnknown.
func (k *Keeper) Release(ctx context.Context, id string) (Release, error) {
	return readRelease(ctx, k.o.Store, id)
}

func readRelease(ctx context.Context, q store.Querier, id string) (Release, error) {
	r, err := scanRelease(q.QueryRow(ctx, "SELECT "+releaseColumns+" FROM rollout_release WHERE id = $1 OR version = $2 ORDER BY published_ms DESC LIMIT 1", id, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return r, fmt.Errorf("release %q: %w: publish it with frostline release publish", id, ErrUnknown)
	}
	return r, err
}

// Releases lists what was published, newest first.
func (k *Keeper) Releases(ctx context.Context, limit int) (all []Release, err error) {
	rows, err := k.o.Store.Query(ctx, "SELECT "+releaseColumns+" FROM rollout_release ORDER BY published_ms DESC, id LIMIT $1", limit)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		r, err := scanRelease(rows.Scan)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		all = append(all, r)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

var (
	program = regexp.MustCompile(`^[0-9a-f]{64}$`)
	piece   = regexp.MustCompile(`^bytes=[0-9]{1,12}-[0-9]{1,12}$`)
)

// ServeHTTP gives pieces of packed programs, by release.Path and a SHA-256, to
// whoever was let in.
func (k *Keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, release.Path)
	asked := r.Header.Get("Range")
	var from, to int64
	if piece.MatchString(asked) {
		_, _ = fmt.Sscanf(asked, "bytes=%d-%d", &from, &to) // the expression has seen to it
	}
	if r.Method != http.MethodGet || !program.MatchString(name) || to < from || to == 0 || to-from >= maxPiece {
		http.Error(w, fmt.Sprintf("want GET %sSHA256 with a range of at most %d bytes", release.Path, maxPiece), http.StatusBadRequest)
		return
	}
	select {
	case k.serving <- struct{}{}:
		defer func() { <-k.serving }()
		if len(k.serving) > maxServing/4 {
			// The listener's connections are for those who enrol and renew too.
			w.Header().Set("Connection", "close")
		}
	default:
		w.Header().Set("Retry-After", "5")
		w.Header().Set("Connection", "close")
		http.Error(w, "too many gateways are fetching", http.StatusServiceUnavailable)
		return
	}
	f, err := os.Open(filepath.Join(k.o.Dir, name))
	if err != nil {
		http.Error(w, "no such program here", http.StatusNotFound)
		return
	}
	defer f.Close() // it is only read
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, f)
}
