package witness

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	flog "github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"frostline/hub/durable"
)

// Server is a witness. It implements http.Handler; its methods may be called
// from any goroutine.
type Server struct {
	dir    string
	signer *fnote.Signer
	key    string
	logs   map[string]note.Verifier // by origin
	log    *slog.Logger
	http.Handler

	mu     sync.Mutex // held from reading what was cosigned to having synced what is
	counts Counts
}

// Counts of a Server since its start.
type Counts struct{ Cosigned, Refused uint64 }

// Config is what a Server needs. All fields are required.
type Config struct {
	Dir    string   // what it remembers: one file for each log
	Signer string   // its signer key, as sumdb/note writes it
	Logs   []string // verifier keys of the logs that it cosigns
	Log    *slog.Logger
}

// NewServer checks the keys and that what is remembered can be read.
func NewServer(c Config) (*Server, error) {
	signer, err := fnote.NewSignerForCosignatureV1(strings.TrimSpace(c.Signer))
	if err != nil {
		return nil, fmt.Errorf("witness key: want PRIVATE+KEY+NAME+…: %w", err)
	}
	key, err := verifierKey(strings.TrimSpace(c.Signer))
	if err != nil {
		return nil, fmt.Errorf("witness key: %w", err)
	}
	s := &Server{dir: c.Dir, signer: signer, key: key, logs: map[string]note.Verifier{}, log: c.Log}
	if len(c.Logs) == 0 {
		return nil, errors.New("no log to witness: give the verifier key of one")
	}
	for _, key := range c.Logs {
		v, err := note.NewVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("key of log %q: want NAME+HASH+KEY as the hub prints it: %w", key, err)
		}
		if s.logs[v.Name()] != nil {
			return nil, fmt.Errorf("key of log %q: given twice", v.Name())
		}
		s.logs[v.Name()] = v
		if _, err := s.last(v.Name()); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path, s.add)
	s.Handler = mux
	return s, nil
}

// Key is the witness's verifier key, in the form for cosignatures.
func (s *Server) Key() string { return s.key }

// Counts tells how many checkpoints were cosigned and refused.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// cosigned is what a witness remembers of a log.
type cosigned struct {
	size uint64
	root []byte
}

func (s *Server) file(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:16])+".checkpoint")
}

// last is the last checkpoint of a log that was cosigned; zero before the first.
func (s *Server) last(origin string) (c cosigned, err error) {
	b, err := os.ReadFile(s.file(origin))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read what was cosigned of %s: %w", origin, err)
	}
	cp, _, _, err := flog.ParseCheckpoint(b, origin, s.logs[origin])
	if err != nil {
		return c, fmt.Errorf("what was cosigned of %s is damaged, %s: restore it, do not delete it: %w", origin, s.file(origin), err)
	}
	return cosigned{cp.Size, cp.Hash}, nil
}

func (s *Server) add(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "body: "+err.Error(), http.StatusBadRequest)
		return
	}
	status, answer := s.cosign(body)
	if status == http.StatusConflict && len(answer) > 0 && answer[0] >= '0' && answer[0] <= '9' {
		w.Header().Set("Content-Type", sizeType)
	} else {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

// cosign is the protocol's one call.
func (s *Server) cosign(body []byte) (status int, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	origin := ""
	refuse := func(status int, format string, a ...any) (int, string) {
		s.counts.Refused++
		why := fmt.Sprintf(format, a...)
		s.log.Warn("checkpoint refused", "log", origin, "status", status, "why", why)
		return status, why + "\n"
	}
	req, err := decodeRequest(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	first, _, _ := bytes.Cut(req.checkpoint, []byte("\n"))
	verifier := s.logs[string(first)]
	if verifier == nil {
		return refuse(http.StatusNotFound, "log %.100q is not witnessed here", first)
	}
	origin = string(first)
	cp, _, n, err := flog.ParseCheckpoint(req.checkpoint, origin, verifier)
	if err != nil {
		return refuse(http.StatusForbidden, "checkpoint of %s is not signed by its key", origin)
	}
	if len(cp.Hash) != sha256.Size {
		return refuse(http.StatusBadRequest, "root of %d bytes: want %d", len(cp.Hash), sha256.Size)
	}
	if req.old > cp.Size {
		return refuse(http.StatusBadRequest, "old size %d is above the checkpoint's %d", req.old, cp.Size)
	}
	last, err := s.last(origin)
	if err != nil {
		return refuse(http.StatusInternalServerError, "%v", err)
	}
	if req.old != last.size {
		if cp.Size < last.size {
			s.log.Error("a log has been rolled back", "log", origin, "cosigned", last.size, "now", cp.Size)
		}
		s.counts.Refused++
		return http.StatusConflict, fmt.Sprintf("%d\n", last.size)
	}
	switch {
	case cp.Size == last.size && last.size > 0:
		if len(req.proof) > 0 {
			return refuse(http.StatusUnprocessableEntity, "a proof where the size is the same")
		}
		if !bytes.Equal(cp.Hash, last.root) {
			return refuse(http.StatusConflict, "root of %d entries is not the one that was cosigned: the log was forked", cp.Size)
		}
	default:
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, last.size, cp.Size, req.proof, last.root, cp.Hash); err != nil {
			return refuse(http.StatusUnprocessableEntity, "the first %d entries are not proved to be those that were cosigned", last.size)
		}
	}
	signed, err := note.Sign(&note.Note{Text: n.Text}, s.signer)
	if err != nil {
		return refuse(http.StatusInternalServerError, "sign: %v", err)
	}
	if err := durable.WriteFile(s.file(origin), req.checkpoint, 0o600); err != nil {
		return refuse(http.StatusInternalServerError, "remember: %v", err)
	}
	s.counts.Cosigned++
	_, lines, _ := bytes.Cut(signed, []byte("\n\n"))
	return http.StatusOK, string(lines)
}

// verifierKey is the verifier key of an Ed25519 signer key, in the form for
// cosignatures.
func verifierKey(signer string) (string, error) {
	parts := strings.SplitN(signer, "+", 5)
	if len(parts) != 5 {
		return "", errors.New("want PRIVATE+KEY+NAME+HASH+KEY")
	}
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return "", errors.New("it holds no Ed25519 key")
	}
	public := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	plain, err := note.NewEd25519VerifierKey(parts[2], public)
	if err != nil {
		return "", err
	}
	return fnote.VKeyToCosignatureV1(plain)
}
