package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// errMissing means that no PostgreSQL is installed.
var errMissing = errors.New("postgresql is not installed (Debian: apt-get install postgresql)")

// server is one for the test binary; each test gets a database of its own.
var (
	server    = sync.OnceValues(start)
	databases atomic.Int64
)

// Postgres gives the url of an empty database on a PostgreSQL server of this
// test binary. It skips the test where PostgreSQL is not installed, and fails
// it when the environment says CI=true.
func Postgres(t testing.TB) string {
	t.Helper()
	c, err := server()
	if errors.Is(err, errMissing) && !inCI() {
		t.Skipf("NOT TESTED ON POSTGRESQL: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := c.dir
	name := fmt.Sprintf("test%d", databases.Add(1))
	admin, err := sql.Open("pgx", at(dir, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		admin, err := sql.Open("pgx", at(dir, "postgres"))
		if err != nil {
			return
		}
		defer admin.Close()
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return at(dir, name)
}

// at is the url of a database on the server whose socket is in dir.
func at(dir, database string) string {
	q := url.Values{"host": {dir}, "user": {"postgres"}, "allow_fsync_off": {"true"}}
	if database == "postgres" { // not opened through the store
		q.Del("allow_fsync_off")
	}
	return "postgres:///" + database + "?" + q.Encode()
}

// cluster is a running server.
type cluster struct {
	dir  string    // of its socket
	hold io.Closer // open as long as the process lives
}

// start makes a cluster in a temporary directory and runs a server on it,
// reached through a socket in that directory alone. A shell holds the server;
// when this process ends in whatever way, the shell's standard input closes
// and it stops the server and removes the directory.
func start() (*cluster, error) {
	initdb, err := program("initdb")
	if err != nil {
		return nil, err
	}
	postgres, err := program("postgres")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "frostline-pg-")
	if err != nil {
		return nil, err
	}
	credential, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	init := exec.Command(initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
	init.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	init.Dir = dir
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	const hold = `"$0" -D "$1" -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=100 >"$2/log" 2>&1 &
read -r _
kill -INT $!
wait
rm -rf "$2"/* 2>/dev/null; rmdir "$2" 2>/dev/null || rm -rf "$2"`
	shell := exec.Command("/bin/sh", "-c", hold, postgres, data, dir)
	shell.Dir = "/"
	shell.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Setpgid: true}
	held, err := shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := shell.Start(); err != nil {
		return nil, err
	}
	db, err := sql.Open("pgx", at(dir, "postgres"))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		if err = db.PingContext(ctx); err == nil {
			return &cluster{dir, held}, nil
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			return nil, fmt.Errorf("postgresql did not start: %w\n%s", err, log)
		case <-tick.C:
		}
	}
}

// unprivileged gives the user to run the server as, and dir to that user:
// PostgreSQL refuses to run as root.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMissing, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// program finds a program of PostgreSQL: on the path, or the newest where
// Debian keeps them.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return "", errMissing
	}
	return slices.MaxFunc(found, func(a, b string) int {
		version := func(p string) int {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(p))))
			return n
		}
		return version(a) - version(b)
	}), nil
}
