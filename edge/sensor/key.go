package sensor

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"frostline/edge/ble"
	"frostline/edge/disk"
)

// ErrBindKey is wrapped where a logger's bind key cannot be read.
var ErrBindKey = errors.New("bind key")

// maxKeyFile bounds what is read of a file of a key or a counter.
const maxKeyFile = 256

// readKey reads a bind key, 32 hexadecimal digits, from a file that nobody but
// its owner may read.
func readKey(path string) (key ble.Key, err error) {
	b, info, err := readSmall(path)
	if err != nil {
		return key, fmt.Errorf("%w: %w", ErrBindKey, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return key, fmt.Errorf("%w %s: mode %04o lets others read it: run chmod 600", ErrBindKey, path, info.Mode().Perm())
	}
	raw, err := hex.DecodeString(string(bytes.TrimSpace(b)))
	if err != nil || len(raw) != len(key) {
		return key, fmt.Errorf("%w %s: want %d hexadecimal digits, and nothing else", ErrBindKey, path, 2*len(key))
	}
	return ble.Key(raw), nil
}

// readSmall reads a file that cannot be large.
func readSmall(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return nil, nil, fmt.Errorf("%s: want a file of at most %d bytes", path, maxKeyFile)
	}
	b := make([]byte, info.Size())
	n, err := f.ReadAt(b, 0)
	if n < len(b) {
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	return b, info, nil
}

// counterEvery is how often the counter of a logger is written: what was sent
// since could be sent again by somebody after a restart of the agent.
const counterEvery = time.Minute

// counterFile keeps the counter of the last advertisement taken beside the
// key, so that older ones stay refused after a restart.
type counterFile struct {
	path string
	log  *slog.Logger
	now  func() int64 // boottime, ms

	written int64 // boottime of the last write, ms
	value   uint32
	begun   bool
	failed  bool
}

// read gives the counter kept; seen is false where there is none.
func (c *counterFile) read() (counter uint32, seen bool, err error) {
	b, _, err := readSmall(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("counter of a logger: %w", err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32)
	if err != nil {
		return 0, false, fmt.Errorf("counter of a logger: %s holds %q, want a number: delete it if the logger is safe", c.path, b)
	}
	return uint32(n), true, nil
}

// keep notes a counter, and writes it once a minute. Where it cannot be written
// that is told once, and the counter lasts until the agent ends.
func (c *counterFile) keep(counter uint32) {
	now := c.now()
	if c.begun && (counter == c.value || now-c.written < counterEvery.Milliseconds()) {
		return
	}
	c.begun, c.value, c.written = true, counter, now
	err := disk.Replace(disk.Real{}, c.path, fmt.Appendf(nil, "%d\n", counter))
	if failed := err != nil; failed != c.failed {
		c.failed = failed
		if failed {
			c.log.Warn("counter of a logger is not kept: old advertisements could be sent again after a restart", "err", err)
		} else {
			c.log.Info("counter of a logger is kept again", "file", c.path)
		}
	}
}
