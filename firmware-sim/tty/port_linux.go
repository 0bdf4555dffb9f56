package tty

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Port is the device's end of a pseudo-terminal. It is not safe for concurrent
// use.
type Port struct {
	link   string
	device string
	master *os.File
	fd     int      // of master; File.Fd would make it blocking again at each call
	slave  *os.File // held open: readers may come and go without a hang-up
	absent int      // sends in a row that nobody read in time
}

// Open makes a pseudo-terminal in raw mode and a symbolic link to it at path.
// A link left by an earlier run is replaced; anything else there is an error.
func Open(path string) (_ *Port, err error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return nil, fmt.Errorf("pseudo-terminal link %s: something other than a symbolic link is there, remove it or choose another path", path)
	}
	m, s, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open pseudo-terminal: %w", err)
	}
	p := &Port{link: path, device: s.Name(), slave: s}
	defer func() {
		if err != nil {
			m.Close()
			s.Close()
		}
	}()
	if _, err := term.MakeRaw(int(s.Fd())); err != nil {
		return nil, fmt.Errorf("set %s to raw mode: %w", p.device, err)
	}
	// pty.Open leaves the master blocking; a write must never block on a
	// reader who does not read.
	fd := int(m.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("set %s to non-blocking: %w", p.device, err)
	}
	p.master, p.fd = m, fd
	if err := replaceLink(p.device, path); err != nil {
		return nil, err
	}
	return p, nil
}

// replaceLink points path to device in one step.
func replaceLink(device, path string) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("link pseudo-terminal: %w", err)
	}
	if err := os.Symlink(device, fresh); err != nil {
		return fmt.Errorf("link pseudo-terminal: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		os.Remove(fresh)
		return fmt.Errorf("link pseudo-terminal: %w", err)
	}
	return nil
}

// Device is the path of the terminal itself, as in /dev/pts/3.
func (p *Port) Device() string { return p.device }

// Link is the stable path.
func (p *Port) Link() string { return p.link }

// unread counts the bytes sent that nobody has taken.
func (p *Port) unread() int {
	fd := int(p.slave.Fd())
	// The kernel passes bytes on in the background; polling waits for that.
	if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0); err != nil {
		return 0
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// Send discards what is unread and sends b. It reports how many bytes were
// lost, of earlier sends or of this one.
//
// In driven time seconds follow each other without a pause, and a reader must
// not fall behind: so Send returns when b has been read, or after wait. Where
// nobody reads it gives up waiting, apart from a short look now and then.
func (p *Port) Send(b []byte, wait time.Duration) (lost int, err error) {
	// A reader that was killed leaves its exclusive claim behind as long as
	// the terminal is open somewhere, which here it always is.
	_ = unix.IoctlSetInt(int(p.slave.Fd()), unix.TIOCNXCL, 0)
	if lost = p.unread(); lost > 0 {
		if err := unix.IoctlSetInt(int(p.slave.Fd()), unix.TCFLSH, unix.TCIFLUSH); err != nil {
			return 0, fmt.Errorf("discard unread data on %s: %w", p.device, err)
		}
	} else {
		p.absent = 0 // somebody has read the earlier ones
	}
	n, err := unix.Write(p.fd, b)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		n, err = 0, nil // the terminal takes nothing: this burst is lost
	}
	if err != nil {
		return lost, fmt.Errorf("write to %s: %w", p.device, err)
	}
	p.await(wait)
	return lost + len(b) - max(n, 0), nil
}

// Receive waits for bytes that somebody has written to the line, as long as
// given, and gives those there are, up to len(b).
func (p *Port) Receive(b []byte, wait time.Duration) (int, error) {
	ready, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, int(wait.Milliseconds()))
	if errors.Is(err, unix.EINTR) || err == nil && ready == 0 {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("wait on %s: %w", p.device, err)
	}
	n, err := unix.Read(p.fd, b)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read from %s: %w", p.device, err)
	}
	return n, nil
}

// await waits until everything sent has been read.
func (p *Port) await(wait time.Duration) {
	if wait <= 0 {
		return
	}
	if p.absent > 0 {
		wait = min(wait, time.Millisecond)
		if p.absent++; p.absent%16 != 0 {
			return
		}
	}
	for deadline := time.Now().Add(wait); p.unread() > 0; time.Sleep(20 * time.Microsecond) {
		if time.Now().After(deadline) {
			p.absent++
			return
		}
	}
	p.absent = 0
}

// Close hangs up and removes the link, unless it has become somebody else's.
func (p *Port) Close() error {
	var failed error
	if to, err := os.Readlink(p.link); err == nil && to == p.device {
		failed = os.Remove(p.link)
	}
	return errors.Join(failed, p.slave.Close(), p.master.Close())
}
