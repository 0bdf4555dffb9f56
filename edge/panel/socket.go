package panel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// SocketName is the socket's name within the data directory.
const SocketName = "edge.sock"

// maxSocketPath is what Linux allows a socket's path, less its final zero.
const maxSocketPath = 107

// ErrRunning means that another agent answers on the socket.
var ErrRunning = errors.New("another agent is running with this data directory")

// Link pulls and restores the uplink.
type Link interface {
	// Cut pulls the uplink where cut is true, until it is called with false. A
	// pulled link sends nothing and keeps everything. It returns at once.
	Cut(cut bool)
}

// Socket answers the operator of this machine: it tells the status and takes
// orders. Its guard is the file's mode.
type Socket struct {
	source Source
	link   Link
	alarms Acknowledger // nil: none can be acknowledged
	scans  Scanning     // nil: nothing can be scanned
	log    *slog.Logger
}

// NewSocket makes the operator's side of an agent.
func NewSocket(source Source, link Link, log *slog.Logger) *Socket {
	return &Socket{source: source, link: link, log: log}
}

// Alarms has the socket take acknowledgements. It is for before Handler and
// Serve.
func (s *Socket) Alarms(a Acknowledger) { s.alarms = a }

// ListenSocket opens the socket of a data directory, mode 0600. A socket that a
// killed agent left is replaced; where an agent answers, it is ErrRunning.
func ListenSocket(dir string) (net.Listener, error) {
	path := filepath.Join(dir, SocketName)
	fresh := path + "~" // until its mode is set
	if len(fresh) > maxSocketPath {
		return nil, fmt.Errorf("socket %q: its path of %d bytes is longer than the %d that Linux allows; choose a shorter data directory",
			path, len(path), maxSocketPath-1)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return nil, fmt.Errorf("socket %q: %w", path, ErrRunning)
	}
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("clear old socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(fresh, 0o600); err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		l.Close()
		os.Remove(fresh)
		return nil, fmt.Errorf("guard socket %q: %w", path, err)
	}
	return &socketListener{UnixListener: l, path: path}, nil
}

// socketListener removes its file when it closes.
type socketListener struct {
	*net.UnixListener
	path string
}

func (l *socketListener) Close() error {
	if err := os.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.UnixListener.Close()
		return err
	}
	return l.UnixListener.Close()
}

// Serve answers on l until ctx ends, and closes l. It returns nil after a
// clean end.
func (s *Socket) Serve(ctx context.Context, l net.Listener) error {
	return serve(ctx, l, s.Handler(), s.log)
}

// Handler is the socket's HTTP interface: GET /status, POST /link, POST
// /acknowledge, POST /scan and GET /scans.
func (s *Socket) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", s.status)
	mux.HandleFunc("POST /link", s.setLink)
	mux.HandleFunc("POST /acknowledge", s.acknowledge)
	mux.HandleFunc("POST /scan", s.scan)
	mux.HandleFunc("GET /scans", s.listScans)
	return mux
}

func (s *Socket) status(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	snap, err := s.source.Snapshot(ctx)
	if err != nil {
		answer(w, http.StatusServiceUnavailable, problem{"take snapshot: " + err.Error()})
		return
	}
	answer(w, http.StatusOK, newStatus(snap))
}

// linkOrder is the body of POST /link and of its answer.
type linkOrder struct {
	Up *bool `json:"up"`
}

func (s *Socket) setLink(w http.ResponseWriter, r *http.Request) {
	var order linkOrder
	err := take(w, r, &order)
	if err == nil && order.Up == nil {
		err = errors.New(`field "up" is missing`)
	}
	if err != nil {
		answer(w, http.StatusBadRequest, problem{`link order: want {"up":true} or {"up":false}: ` + err.Error()})
		return
	}
	s.link.Cut(!*order.Up)
	s.log.Info("link set by operator", "up", *order.Up)
	answer(w, http.StatusOK, order)
}

// take reads the one value in the body of a request.
func take(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 2<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, extra := d.Token(); extra != io.EOF {
		return errors.New("more than one value")
	}
	return nil
}

// problem is the body of an answer that is not 200.
type problem struct {
	Error string `json:"error"`
}

func answer(w http.ResponseWriter, code int, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		code, b = http.StatusInternalServerError, []byte(`{"error":"encode answer"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(append(b, '\n'))
}

// notRunning says whether a dial failed because no agent listens.
func notRunning(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}
