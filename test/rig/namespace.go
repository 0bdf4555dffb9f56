package rig

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// namespace is a network of its own in the kernel: a loopback, and a device
// whose packets are read from and written to tun.
type namespace struct {
	file *os.File // of the namespace; it lives while this or a process in it does
	tun  *os.File // one IP packet for each read or write
}

// ErrNoNamespace is wrapped where the kernel lets nobody make a network of his
// own: it takes root, or CAP_NET_ADMIN and CAP_SYS_ADMIN, and /dev/net/tun.
var ErrNoNamespace = errors.New("no network namespace can be made")

// newNamespace makes one with an address of a /24.
func newNamespace(address net.IP) (*namespace, error) {
	n := &namespace{}
	err := onThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		if n.file, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return err
		}
		if n.tun, err = openTun("radio"); err != nil {
			return errors.Join(err, n.file.Close())
		}
		err = errors.Join(up("lo", nil), up("radio", address))
		if err != nil {
			return errors.Join(err, n.close())
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoNamespace, err)
	}
	return n, nil
}

func (n *namespace) close() error { return errors.Join(n.tun.Close(), n.file.Close()) }

// enter moves the calling thread into the namespace. The goroutine must be
// locked to the thread, and end with it.
func (n *namespace) enter() error {
	if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace: %w", err)
	}
	return nil
}

// inside calls do on a thread in the namespace: sockets that it makes stay in it.
func (n *namespace) inside(do func() error) error {
	return onThread(func() error {
		if err := n.enter(); err != nil {
			return err
		}
		return do()
	})
}

// onThread calls do on a thread that ends after it.
func onThread(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is spoilt
		done <- do()
	}()
	return <-done
}

// openTun makes a device in the thread's namespace.
func openTun(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	r, err := unix.NewIfreq(name)
	if err == nil {
		r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make device %s: %w", name, err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "/dev/net/tun"), nil
}

// up gives a device of the thread's namespace an address, if any, and starts it.
func up(name string, address net.IP) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	set := func(request uint, fill func(*unix.Ifreq) error) {
		r, e := unix.NewIfreq(name)
		if e == nil {
			e = fill(r)
		}
		if e == nil {
			e = unix.IoctlIfreq(fd, request, r)
		}
		if e != nil && err == nil {
			err = fmt.Errorf("set up device %s: %w", name, e)
		}
	}
	if address != nil {
		set(unix.SIOCSIFADDR, func(r *unix.Ifreq) error { return r.SetInet4Addr(address.To4()) })
		set(unix.SIOCSIFNETMASK, func(r *unix.Ifreq) error { return r.SetInet4Addr([]byte{255, 255, 255, 0}) })
	}
	set(unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil })
	return err
}
