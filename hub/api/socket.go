package api

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maxPath is what the kernel takes as the path of a Unix socket.
const maxPath = 107

// listen makes the socket: in a directory that only its owner can write to,
// locked against a second hub, and never open to others even for a moment,
// since it is bound inside a private directory and then moved into place. A
// socket that an earlier hub left behind is replaced.
func listen(path string) (ln net.Listener, release func(), err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, nil, err
	}
	if perm := info.Mode().Perm(); perm&0o022 != 0 {
		return nil, nil, fmt.Errorf("directory %s has mode %04o, so others could put their own socket there: chmod 700 %s", dir, perm, dir)
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, nil, fmt.Errorf("another hub is running on it (%s.lock is held: %w); stop that one, or give this one another data directory", path, err)
	}
	// Nobody holds the lock, so whatever socket is there is left over.
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, nil, fmt.Errorf("%s is there and is no socket: move it away", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	private, err := os.MkdirTemp(dir, ".sock-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(private)
	inside := filepath.Join(private, "s")
	if n := max(len(path), len(inside)); n > maxPath {
		return nil, nil, fmt.Errorf("the path takes %d bytes and a socket's may have %d: use a data directory with a shorter path", n, maxPath)
	}
	unixListener, err := net.ListenUnix("unix", &net.UnixAddr{Name: inside, Net: "unix"})
	if err != nil {
		return nil, nil, err
	}
	unixListener.SetUnlinkOnClose(false)
	if err = os.Chmod(inside, 0o600); err == nil {
		err = os.Rename(inside, path)
	}
	if err != nil {
		unixListener.Close()
		return nil, nil, err
	}
	return unixListener, func() {
		unixListener.Close()
		os.Remove(path)
		_ = unix.Flock(int(lock.Fd()), unix.LOCK_UN) // also where a child being started has a copy of the handle
		lock.Close()
	}, nil
}

// peer is who opened a connection, by the kernel's word.
type peer struct {
	uid uint32
	pid int32
	err error
}

type peerKey struct{}

func (p peer) String() string {
	if p.err != nil {
		return "local user (not known: " + p.err.Error() + ")"
	}
	return fmt.Sprintf("local uid %d pid %d", p.uid, p.pid)
}
