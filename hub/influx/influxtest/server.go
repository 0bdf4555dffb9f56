// Package influxtest runs a real InfluxDB for tests: version 1.8, which takes
// the writes of version 2 as well. .ci/install builds it once and keeps it.
package influxtest

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Server is an InfluxDB with a database "frostline".
type Server struct {
	Addr string // HOST:PORT
	t    testing.TB
	dir  string
	cmd  *exec.Cmd
}

// binary finds influxd, where .ci/install puts it.
func binary(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("influxd"); err == nil {
		return path
	}
	cache, err := os.UserCacheDir()
	if err == nil {
		path := filepath.Join(cache, "frostline", "bin", "influxd")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatal("influxd is not installed: run .ci/install, which builds it")
	return ""
}

// Start starts a server that ends with the test. It speaks InfluxQL alone, and
// is there at once.
func Start(t testing.TB) *Server { return start(t, false) }

// StartFlux starts one that speaks Flux as well: it reads the language's library
// for two seconds at each start.
func StartFlux(t testing.TB) *Server { return start(t, true) }

func start(t testing.TB, flux bool) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: l.Addr().String(), t: t, dir: t.TempDir()}
	l.Close()
	config := fmt.Sprintf(`reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = %q
[data]
  dir = %q
  wal-dir = %q
[http]
  bind-address = %q
  flux-enabled = %t
  log-enabled = false
[logging]
  level = "error"
`, filepath.Join(s.dir, "meta"), filepath.Join(s.dir, "data"), filepath.Join(s.dir, "wal"), s.Addr, flux)
	if err := os.WriteFile(filepath.Join(s.dir, "influxdb.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	s.Run()
	s.Query(`CREATE DATABASE frostline`)
	return s
}

// URL is the server's address.
func (s *Server) URL() string { return "http://" + s.Addr }

// Run starts the server, with what it had before, and waits until it answers.
func (s *Server) Run() {
	s.t.Helper()
	s.cmd = exec.Command(binary(s.t), "-config", filepath.Join(s.dir, "influxdb.conf"))
	var out strings.Builder
	s.cmd.Stderr = &out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		r, err := http.Get(s.URL() + "/ping")
		if err == nil {
			r.Body.Close()
			return
		}
		if time.Since(began) > 30*time.Second {
			s.t.Fatalf("influxd does not answer: %v\n%s", err, out.String())
		}
	}
}

// Kill ends the server without notice.
func (s *Server) Kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// Query runs InfluxQL and gives the rows of the first series.
func (s *Server) Query(q string) [][]any {
	s.t.Helper()
	r, err := http.PostForm(s.URL()+"/query", url.Values{"q": {q}, "db": {"frostline"}, "epoch": {"ms"}})
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	var answer struct {
		Results []struct {
			Series []struct{ Values [][]any }
			Error  string
		}
		Error string
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	if answer.Error != "" || len(answer.Results) != 1 || answer.Results[0].Error != "" {
		s.t.Fatalf("%s: %+v", q, answer)
	}
	if len(answer.Results[0].Series) == 0 {
		return nil
	}
	return answer.Results[0].Series[0].Values
}

// Count gives the number of values of a measurement's field.
func (s *Server) Count(measurement, field string) int {
	s.t.Helper()
	rows := s.Query(fmt.Sprintf(`SELECT count(%q) FROM %q`, field, measurement))
	if len(rows) == 0 {
		return 0
	}
	return int(rows[0][1].(float64))
}
