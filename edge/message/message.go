// Package message keeps what dispatch tells whoever drives: the last messages,
// whether each was confirmed, and when, on disk, so that a driver sees after a
// power cut what there was, and the hub hears of a confirmation that was given
// without a link.
package message

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"

	"frostline/edge/disk"
	"frostline/proto/mandate"
	"frostline/proto/pb"
)

// ErrUnknown is wrapped where there is no such message.
var ErrUnknown = errors.New("no such message: it is older than the last ones, or was never here")

const (
	file    = "messages.json"
	damaged = "messages.damaged"
	format  = 1
	// Most is how many messages are kept. Those that wait for a confirmation go
	// last.
	Most    = 16
	maxFile = 64 << 10
)

// Message is something that dispatch told. Times are UTC, Unix ms; 0 where the
// gateway did not know the time.
type Message struct {
	ID          string `json:"id"`
	Route       string `json:"route"`
	Text        string `json:"text"`
	Shown       int64  `json:"shown,omitempty"` // since when it is on the page
	Confirmed   bool   `json:"confirmed,omitempty"`
	ConfirmedAt int64  `json:"confirmedAt,omitempty"`
}

// Keeper keeps messages. It is safe for concurrent use.
type Keeper struct {
	path string
	disk disk.Disk
	utc  func() int64

	mu      sync.Mutex
	list    []Message // oldest first
	trouble error
}

type kept struct {
	Format   int       `json:"format"`
	Messages []Message `json:"messages"`
}

// Open reads what is kept in a directory; utc gives the time, Unix ms, 0 while
// it is not known. A damaged file is set aside, which Trouble tells: it keeps no
// gateway from running.
func Open(dir string, utc func() int64) *Keeper { return open(dir, utc, disk.Real{}) }

func open(dir string, utc func() int64, d disk.Disk) *Keeper {
	k := &Keeper{path: filepath.Join(dir, file), disk: d, utc: utc}
	b, err := d.Read(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return k
	}
	var have kept
	if err == nil {
		err = disk.Decode(b, maxFile, &have)
	}
	if err == nil && have.Format != format {
		err = fmt.Errorf("its format is %d, this program knows %d", have.Format, format)
	}
	if err != nil {
		k.trouble = fmt.Errorf("messages of dispatch in %s cannot be read and are set aside as %s: %w", k.path, damaged, errors.Join(err, d.Rename(k.path, filepath.Join(dir, damaged))))
		return k
	}
	k.list = have.Messages
	return k
}

// Trouble is what was wrong with the file, or kept the last change from it; nil
// for nothing.
func (k *Keeper) Trouble() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.trouble
}

// Take keeps a message, once: told again it changes nothing. After nil it is on
// disk.
func (k *Keeper) Take(a mandate.Argument) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at(a.ID) >= 0 {
		return nil
	}
	next := append(slices.Clone(k.list), Message{ID: a.ID, Route: a.Route, Text: a.Text, Shown: k.utc()})
	for len(next) > Most {
		at := slices.IndexFunc(next, func(m Message) bool { return m.Confirmed })
		next = slices.Delete(next, max(at, 0), max(at, 0)+1)
	}
	return k.save(next)
}

// Confirm keeps that whoever drives has seen a message; a second time changes
// nothing. After nil it is on disk.
func (k *Keeper) Confirm(id string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := k.at(id)
	switch {
	case i < 0:
		return fmt.Errorf("message %q: %w", id, ErrUnknown)
	case k.list[i].Confirmed:
		return nil
	}
	next := slices.Clone(k.list)
	next[i].Confirmed, next[i].ConfirmedAt = true, k.utc()
	return k.save(next)
}

func (k *Keeper) at(id string) int {
	return slices.IndexFunc(k.list, func(m Message) bool { return m.ID == id })
}

func (k *Keeper) save(next []Message) error {
	b, err := disk.Encode(kept{format, next})
	if err == nil {
		err = disk.Put(k.disk, k.path, b)
	}
	if err != nil {
		err = fmt.Errorf("messages of dispatch could not be kept: %w", err)
		k.trouble = err
		return err
	}
	k.list, k.trouble = next, nil
	return nil
}

// List gives what is kept, oldest first.
func (k *Keeper) List() []Message {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.list)
}

// Report is what the hub is told.
func (k *Keeper) Report() (all []*pb.Shown) {
	for _, m := range k.List() {
		all = append(all, &pb.Shown{Message: m.ID, ShownUtcMs: m.Shown, Confirmed: m.Confirmed, ConfirmedUtcMs: m.ConfirmedAt})
	}
	return all
}
