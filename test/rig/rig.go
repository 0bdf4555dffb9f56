// Package rig runs the real binaries for tests and benchmarks of the whole:
// builds them, starts, kills and stops them, and puts a bad link in between.
package rig

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Root is the top folder of the project.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "frostline-bin-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir+"/",
		"./cmd/frostline", "./cmd/frostline-hub", "./cmd/frostline-edge", "./cmd/firmware-sim")
	cmd.Dir = Root()
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the commands: %w\n%s", err, out)
	}
	return dir, nil
})

// Build makes the four commands, once for a process, and gives their folder.
// The caller of the last use removes it.
func Build() (dir string, err error) { return build() }

// Process is one running command. Its output goes to a file.
type Process struct {
	Name string
	Log  string // path of its standard output and error
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start runs a command of the given name in dir, its output appended to
// logPath.
func Start(name, logPath string, path string, args ...string) (*Process, error) {
	return start(func() error { return nil }, name, logPath, path, args...)
}

// start calls enter on the thread that forks.
func start(enter func() error, name, logPath string, path string, args ...string) (*Process, error) {
	out, err := os.OpenFile(logPath, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &Process{Name: name, Log: logPath, cmd: exec.Command(path, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		// Pdeathsig is about the thread that forked, so it must not end.
		runtime.LockOSThread()
		err := enter()
		if err == nil {
			err = p.cmd.Start()
		}
		if err != nil {
			started <- err
			return
		}
		started <- nil
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the process ended, once Done is closed; nil for exit status 0.
func (p *Process) Err() error { return p.err }

// Kill ends the process as a power cut would, by SIGKILL, and waits.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Stop asks the process to end by SIGTERM and gives its exit error; it kills
// it after the time given and says so.
func (p *Process) Stop(within time.Duration) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return p.err
	case <-time.After(within):
		p.Kill()
		return fmt.Errorf("%s did not end within %s of SIGTERM", p.Name, within)
	}
}

// Tail gives the last n bytes of the output.
func (p *Process) Tail(n int64) string {
	b, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, int64(len(b))-n):])
}

// Ports that FreePort gives: below those the system takes for outgoing
// connections, one of which might else hold a killed hub's port, or connect to
// itself, while it is to come back there.
const (
	firstPort = 20000
	lastPort  = 32000
)

var ports struct {
	sync.Mutex
	given map[int]bool
}

// FreePort finds a TCP port on loopback that nobody listens on now, and gives
// none twice in one process. A program that is killed and started again finds
// it free again.
func FreePort() (int, error) {
	ports.Lock()
	defer ports.Unlock()
	if ports.given == nil {
		ports.given = map[int]bool{}
	}
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if ports.given[port] {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			return 0, err
		}
		ports.given[port] = true
		return port, nil
	}
	return 0, fmt.Errorf("no free port found between %d and %d on loopback", firstPort, lastPort)
}

// Until asks again until ok, the context's end, or an error that is not nil;
// it says what was waited for.
func Until(ctx context.Context, what string, ok func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := ok()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w", what, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// Must is Until for tests.
func Must(t testing.TB, within time.Duration, what string, ok func() (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	if err := Until(ctx, what, ok); err != nil {
		t.Fatal(err)
	}
}
