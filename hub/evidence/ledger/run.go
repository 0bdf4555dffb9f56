package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"k8s.io/klog/v2"
)

const (
	batch         = 256 // entries appended at once: one bundle of the log
	batchesATurn  = 32  // before a checkpoint is made of them
	publishWithin = 30 * time.Second
	maxBackoff    = 30 * time.Second
)

// adopt gives the log of the first ledger to tessera, whose own logger is global.
var adopt sync.Once

// Run appends what is new and publishes checkpoints until ctx ends; then it
// finishes the append under way and returns nil. It fails where going on would
// make the log contradict itself. It may be called once.
func (l *Ledger) Run(ctx context.Context) error {
	adopt.Do(func() { klog.SetSlogLogger(l.log.With("in", "tessera")) })
	stop, err := l.start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	wait := l.o.Interval
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-l.poke:
			timer.Stop()
		}
		err := l.turn(ctx)
		var broken *BrokenError
		if errors.As(err, &broken) {
			l.fail(err)
			return err
		}
		if wait = l.o.Interval; l.more && err == nil {
			wait = 0
		}
		if err != nil && ctx.Err() == nil {
			l.fail(err)
			wait = min(8*l.o.Interval, maxBackoff)
			continue
		}
		if err == nil {
			l.recovered()
		}
	}
}

// BrokenError means that the log and what was kept of it contradict one
// another. A person has to look: nothing is appended.
type BrokenError struct{ Reason string }

func (e *BrokenError) Error() string { return e.Reason }

// start opens the log for appending.
func (l *Ledger) start(ctx context.Context) (stop func(), err error) {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	driver, err := posix.New(inner, posix.Config{Path: filepath.Join(l.o.Dir, "log")})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("open evidence log: %w", err)
	}
	publish := max(min(l.o.Interval/4, time.Second), 100*time.Millisecond)
	appender, shutdown, reader, err := tessera.NewAppender(inner, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(l.keys.log).
		WithBatching(batch, 5*time.Millisecond).
		WithCheckpointInterval(publish).
		WithCheckpointRepublishInterval(0))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("open evidence log: %w", err)
	}
	l.size = reader.IntegratedSize
	l.add = func(ctx context.Context, data [][]byte) error {
		futures := make([]tessera.IndexFuture, len(data))
		for i, d := range data {
			futures[i] = appender.Add(inner, tessera.NewEntry(d))
		}
		var errs []error
		for _, f := range futures {
			if _, err := f(); err != nil {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	}
	return func() {
		drain, done := context.WithTimeout(inner, 5*time.Second)
		defer done()
		if err := shutdown(drain); err != nil {
			l.log.Warn("the evidence log's last checkpoint is published at the next start", "error", err)
		}
		cancel()
	}, nil
}

// turn brings the log up to date and keeps a checkpoint of it.
func (l *Ledger) turn(ctx context.Context) error {
	if !l.ready {
		if err := l.recover(ctx); err != nil {
			return err
		}
		l.ready = true
	}
	l.more = true
	for range batchesATurn {
		entries, err := l.gather(ctx)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			l.more = false
			break
		}
		if err := l.append(ctx, entries); err != nil {
			l.ready = false // some of it may have been done: ask the log
			return err
		}
	}
	return l.checkpoint(ctx)
}

// append puts entries into the log, then into the table.
func (l *Ledger) append(ctx context.Context, entries []Entry) error {
	fresh, err := l.unknown(ctx, entries)
	if err != nil {
		return err
	}
	if len(fresh) > 0 {
		data := make([][]byte, len(fresh))
		for i, e := range fresh {
			data[i] = e.Data
		}
		if err := l.add(ctx, data); err != nil {
			return fmt.Errorf("append to evidence log: %w", err)
		}
		if err := l.save(ctx, l.next, fresh); err != nil {
			return err
		}
		l.next += uint64(len(fresh))
	}
	for _, e := range entries {
		l.passed(e)
	}
	l.notify(func() { l.status.Entries, l.status.Position = l.next, l.cursor })
	return nil
}

// fail says once that entries are not logged.
func (l *Ledger) fail(err error) {
	first := false
	l.notify(func() {
		if first = l.status.Failing == ""; first {
			l.status.FailingFrom = l.o.Now()
		}
		l.status.Failing = err.Error()
	})
	if first {
		l.log.Error("evidence is not logged now; it is caught up with once this is mended", "error", err)
	}
}

func (l *Ledger) recovered() {
	l.mu.Lock()
	was, since := l.status.Failing, l.status.FailingFrom
	l.status.Failing, l.status.FailingFrom = "", time.Time{}
	l.mu.Unlock()
	if was != "" {
		l.log.Info("evidence is logged again", "after", l.o.Now().Sub(since))
	}
}

// unstick sets a checkpoint's file time right after the hub's clock was put
// back: Tessera takes a file from the future for one just published.
func (l *Ledger) unstick() {
	path := filepath.Join(l.o.Dir, "log", "checkpoint")
	if info, err := os.Stat(path); err == nil && time.Until(info.ModTime()) > 0 {
		past := time.Now().Add(-time.Minute)
		_ = os.Chtimes(path, past, past)
	}
}
