package uplink

import (
	"errors"
	"time"

	"frostline/edge/journal"
)

// Status is a snapshot of an Uplink. Times carry Go's monotonic clock: compare
// them by time.Since, and a zero one means never.
type Status struct {
	Address   string
	Connected bool
	Cut       bool      // by an operator
	Since     time.Time // when Connected last changed
	Why       string    // not connected, in words; empty while connected
	Retry     time.Time // of the next attempt; zero when none is planned

	LastAck   time.Time
	LastError string // the last one; stays after recovery
	ErrorAt   time.Time

	RoundTrip time.Duration // from parcel to acknowledgement on the live lane, else backlog; 0 when not measured
	Base      time.Duration // of backlog on an empty path; 0 when not measured
	Window    int           // bytes of backlog that may be in flight
	InFlight  int           // parcels
	Bytes     int           // of backlog in flight
	Credit    int           // parcels that the hub takes at once
	Silent    bool          // the hub has stopped answering
	HoldUntil time.Time     // the hub wants no backlog before
	Hub       string        // the hub's instance

	Epochs []EpochStatus // with something pending, and the present one

	// Counts since the start.
	Connects    uint64 // connections that came about
	Live        uint64 // parcels sent on the live lane
	Urgent      uint64 // of them, because their block has an alarm or a scan
	Backlog     uint64 // on the backlog lane
	Resent      uint64 // of both, with blocks that had been sent before
	Behind      uint64 // fresh blocks that were left to the backlog
	Seals       uint64
	SealedEpoch uint32 // and block of the last seal that the hub has answered
	SealedBlock uint64
	States      uint64
	Acks        uint64
	BadAcks     uint64 // ignored: not sound, or of blocks never kept
	Dropped     uint64 // messages of the hub for which there was no room
	Refused     uint64 // blocks
	RefusedWhy  string // of the last of them
	Forgotten   uint64 // blocks that the hub had acknowledged and lacks since it started anew
	Restarts    uint64 // epochs begun because the hub asked for it
	Unpackable  uint64 // parcels of one block because packing failed
	JournalErrs uint64 // failed reads and acknowledgements
	Commands    uint64 // run
	BadCommands uint64 // unknown, failed or malformed
	Up, Down    uint64 // bytes on the socket, TLS and MQTT included
}

// EpochStatus is what one epoch has pending.
type EpochStatus struct {
	Epoch     uint32
	Committed uint64 // blocks 1 to Committed
	Last      uint64 // block kept
	Pending   uint64 // blocks neither committed nor declared lost
	Refused   uint64 // blocks of them that the hub has refused
	Restart   string // why the hub cannot go on with it; empty if it can
}

// Status tells how the uplink is doing.
func (u *Uplink) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.status
	s.Cut = u.wishes.cut
	s.Up, s.Down = u.traffic.up.Load(), u.traffic.down.Load()
	return s
}

// count changes the status.
func (u *Uplink) count(change func(*Status)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.status)
}

// publish brings the status up to date with the ledger.
func (u *Uplink) publish() {
	l := u.ledger
	epochs := make([]EpochStatus, 0, len(l.accounts))
	for _, a := range l.accounts {
		e := EpochStatus{Epoch: a.epoch, Committed: a.committed, Last: a.last, Pending: a.pending(), Refused: a.refused.count(), Restart: a.restart}
		if e.Pending > 0 || a.epoch == l.current {
			epochs = append(epochs, e)
		}
	}
	u.count(func(s *Status) {
		s.RoundTrip = l.live.smoothed
		if s.RoundTrip == 0 {
			s.RoundTrip = l.backlog.smoothed
		}
		s.Base, s.Window = l.pace.baseDelay(), l.pace.window
		s.InFlight, s.Bytes, s.Silent = len(l.flying), l.backlog.bytes, l.silent
		s.Credit, s.HoldUntil, s.Hub = u.hub.credit, u.hub.hold, u.hub.instance
		s.Epochs = epochs
		if s.Connected {
			u.outage.Worked(u.sinceBegan(time.Now()))
		}
	})
}

// up notes a connection.
func (u *Uplink) up() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.status.Connected, u.status.Since = true, time.Now()
	u.status.Why, u.status.Retry = "", time.Time{}
	u.status.Connects++
	if u.status.Connects == 1 && !u.outage.Open() {
		u.config.Log.Info("uplink is connected", "hub", u.config.Address)
	}
	u.outage.Worked(u.sinceBegan(time.Now()))
}

// sinceBegan is the time of the outage, in ms.
func (u *Uplink) sinceBegan(now time.Time) int64 { return now.Sub(u.began).Milliseconds() }

// down notes the end of a connection or attempt, and when the next is due.
func (u *Uplink) down(cause error, wait time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if u.status.Connected {
		u.status.Connected, u.status.Since = false, now
	}
	u.status.InFlight, u.status.Bytes = 0, 0
	u.status.Retry = time.Time{}
	if cause == nil {
		u.status.Why = "connecting"
		return
	}
	if wait > 0 {
		u.status.Retry = now.Add(wait)
	}
	u.status.Why = cause.Error()
	u.status.LastError, u.status.ErrorAt = cause.Error(), now
	if errors.Is(cause, errCut) {
		return // an operator's wish is no failure, and was logged as one
	}
	u.outage.Failed(u.sinceBegan(now), "", cause, "retry_in", wait)
}

// failed takes what the journal says against an acknowledgement of an epoch.
func (u *Uplink) failed(epoch uint32, err error) {
	u.trouble("journal", err, func(s *Status) { s.JournalErrs++ })
	if errors.Is(err, journal.ErrDiverged) {
		u.wish(func(w *wishes) { w.diverged, w.why = epoch, err.Error() })
	}
}

// trouble counts something that went wrong, and logs it unless the same was
// logged last.
func (u *Uplink) trouble(part string, err error, change func(*Status)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.status)
	repeated := u.status.LastError == err.Error()
	u.status.LastError, u.status.ErrorAt = err.Error(), time.Now()
	if !repeated {
		u.config.Log.Warn("uplink: "+part, "error", err)
	}
}
