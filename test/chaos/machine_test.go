package chaos

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"frostline/test/rig"
)

// machine is a program that is killed and comes back with the same arguments.
// It must never end by itself.
type machine struct {
	name string
	path string
	args []string
	log  string

	mu      sync.Mutex
	process *rig.Process // nil while it is down
	kills   int
}

// newMachine describes a program; its log goes to dir.
func newMachine(t testing.TB, dir, name, path string, args ...string) *machine {
	t.Helper()
	m := &machine{name: name, path: path, args: args, log: filepath.Join(dir, name+".log")}
	t.Cleanup(func() {
		m.mu.Lock()
		if m.process != nil {
			m.process.Kill()
		}
		m.mu.Unlock()
		showTail(t, m.log)
	})
	return m
}

// start starts it, unless it runs, and does not wait until it is ready.
func (m *machine) start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process != nil {
		return m.alive()
	}
	p, err := rig.Start(m.name, m.log, m.path, m.args...)
	if err != nil {
		return err
	}
	m.process = p
	return nil
}

// alive fails if it has ended by itself. m.mu is held.
func (m *machine) alive() error {
	select {
	case <-m.process.Done():
		m.process = nil
		return fmt.Errorf("%s has ended by itself", m.name)
	default:
		return nil
	}
}

// kill ends it as a power cut would.
func (m *machine) kill() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process == nil {
		return nil
	}
	if err := m.alive(); err != nil {
		return err
	}
	m.process.Kill()
	m.process = nil
	m.kills++
	return nil
}

// end ends it in any case: without a disk it may have ended by itself.
func (m *machine) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process != nil {
		m.process.Kill()
		m.process = nil
		m.kills++
	}
}

// killed is how often it was killed.
func (m *machine) killed() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kills
}

// stop ends it in order, and wants it to say that all went well.
func (m *machine) stop() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process == nil {
		return nil
	}
	if err := m.alive(); err != nil {
		return err
	}
	err := m.process.Stop(time.Minute)
	m.process = nil
	if err != nil {
		return fmt.Errorf("stop %s: %w", m.name, err)
	}
	return nil
}
