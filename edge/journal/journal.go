package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"frostline/proto/topic"
)

// Journal is the journal of one gateway. Its methods may be called
// concurrently.
type Journal struct {
	dir     string
	gateway string
	o       Options
	log     *slog.Logger
	kept    chan struct{}

	// disk is held by whoever changes files or the set of them. It is taken
	// before mu.
	disk    sync.Mutex
	lock    *os.File // of the directory
	dirty   bool     // the state file could not be written
	owed    bool     // the state file lacks what its second copy is for: series, losses
	doubt   string   // a segment that may have been begun though that failed
	litter  []string // files of deleted segments that could not be removed
	outages repeated // by what is tried again; see again
	stuck   bool     // a segment could not be rotated; said once
	warned  int      // share of MaxBytes that was warned of, percent
	tidied  time.Time

	workers sync.WaitGroup // commit goroutines, and a load that took too long

	mu      sync.Mutex
	loaded  bool
	closed  bool
	queue   []*request
	queued  int // bytes
	work    bool
	busy    bool          // a goroutine is committing
	hurry   chan struct{} // ends a wait for more readings
	held    held
	outage  *outage
	retry   time.Time // earliest attempt at a disk that took nothing
	notices []notice  // the journal's own events, to be kept with the next block
	anchors map[uint32][]byte

	epochs   []*epoch // ascending; the last is the present one
	active   *segment // of the present epoch; nil after it broke
	bare     bool     // the active segment does not say yet what its blocks are about
	boot     uint32
	same     bool // the boot was known before this start of the agent
	table    table
	ticks    map[uint32]int64 // latest tick kept, by series
	floor    int64            // no reading up to this tick is kept again
	tick     int64            // latest tick kept in this boot
	begin    *start           // of the epoch, until its first block is kept
	recent   ring
	aside    int     // damaged files in the directory
	oldest   *Oldest // reading that is pending, as last looked up
	oldestAt Pending // what it was looked up for
	seen     uint32  // highest epoch that the hub has spoken of

	count  counters
	opened int64 // boottime of loading, ms
	rate   rate
}

// Errors that callers tell apart.
var (
	// ErrHeld says that a disk does not take the readings. They are in memory
	// and will be kept as soon as it does: do not append them again. They are
	// lost if the process ends before.
	ErrHeld = errors.New("held in memory, not kept")
	// ErrDropped says that readings were dropped because the memory for them
	// is full; the chain will declare it.
	ErrDropped = errors.New("dropped: the disk takes nothing and the memory for readings is full")
	// ErrDiverged says that the hub's chain of an epoch is not this journal's,
	// as when an old copy of it was restored: start a new epoch.
	ErrDiverged = errors.New("the hub's chain differs from the journal's")
	// ErrLocked says that another process has the journal open.
	ErrLocked = errors.New("journal is open in another process")
	// ErrForeign says that the directory holds another gateway's journal.
	ErrForeign = errors.New("journal belongs to another gateway")
	// ErrClosed is returned by all methods after Close.
	ErrClosed = errors.New("journal is closed")
)

// Open opens the journal of a gateway in a directory, which it makes where
// needed. It returns within Options.OpenWait, usable whatever the disk is
// like: where the directory cannot be read or written, readings are held in
// memory, Stats says why, and the disk is tried again. It fails only on wrong
// arguments, and with ErrLocked and ErrForeign.
//
// The caller runs Run, and calls Close at the end.
func Open(dir, gateway string, o Options) (*Journal, error) {
	if err := topic.CheckGateway(gateway); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	j := &Journal{
		dir: dir, gateway: gateway, o: o, log: o.Log.With("part", "journal"),
		kept: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
		anchors: map[uint32][]byte{}, ticks: map[uint32]int64{}, table: newTable(),
		floor: -1, tick: -1,
	}
	done := make(chan error, 1)
	j.workers.Add(1)
	go func() { // so that a disk that hangs does not keep the gateway from sampling
		defer j.workers.Done()
		j.disk.Lock()
		err := j.load()
		j.disk.Unlock()
		if err != nil {
			j.failed(err)
		}
		done <- err
		j.mu.Lock()
		held := j.held.any()
		j.mu.Unlock()
		if err == nil && held {
			j.kick(true)
		}
	}()
	late := time.NewTimer(o.OpenWait)
	defer late.Stop()
	select {
	case err = <-done:
	case <-late.C:
		j.failed(fmt.Errorf("open journal %s: the disk has not answered for %v", dir, o.OpenWait))
	}
	if errors.Is(err, ErrLocked) || errors.Is(err, ErrForeign) {
		j.closed = true
		j.workers.Wait()
		j.unlock()
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	return j, nil
}

// Intervals of Run.
const (
	tendEvery = time.Second      // it looks whether something is to be done
	saveEvery = 30 * time.Second // acknowledgements are written though no block is kept
)

// Run looks after the journal until ctx ends: it tries a disk that took
// nothing again, keeps what the journal itself has to say when no readings
// come, and keeps the space within its limits. Append works without it.
func (j *Journal) Run(ctx context.Context) error {
	t := time.NewTicker(tendEvery)
	defer t.Stop()
	saved, silent := time.Now(), false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		j.mu.Lock()
		waiting := j.loaded && len(j.notices) > 0
		j.mu.Unlock()
		if save := time.Since(saved) >= saveEvery; save || waiting && silent {
			saved = time.Now()
			flush, cancel := context.WithTimeout(ctx, saveEvery)
			_ = j.Flush(flush) // Stats tells when the disk takes nothing
			cancel()
		} else {
			j.kick(false)
		}
		silent = waiting
	}
}

// Close keeps what is held, if the disk takes it, and closes the files. It
// fails where readings in memory are lost by it, and where the disk hangs.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.mu.Unlock()
	flushErr := j.Flush(context.Background())
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	idle := make(chan struct{})
	go func() { // ends with the workers
		j.workers.Wait()
		close(idle)
	}()
	hang := time.NewTimer(j.o.HangWait)
	defer hang.Stop()
	select {
	case <-idle:
	case <-hang.C:
		return fmt.Errorf("close journal: the disk has not answered for %v: %w", j.o.HangWait, flushErr)
	}

	j.disk.Lock()
	defer j.disk.Unlock()
	j.mu.Lock()
	active, readings := j.active, j.held.readings
	j.active = nil
	j.mu.Unlock()
	if active != nil {
		active.seal()
	}
	j.unlock()
	if readings > 0 {
		return fmt.Errorf("close journal: %d readings in memory are lost: %w", readings, flushErr)
	}
	return nil
}

// Kept receives a value after blocks were kept or an epoch began. It has
// capacity 1 and is never closed: one value may stand for many blocks.
func (j *Journal) Kept() <-chan struct{} { return j.kept }

func (j *Journal) notify() {
	select {
	case j.kept <- struct{}{}:
	default:
	}
}
