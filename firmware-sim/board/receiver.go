package board

import (
	"bytes"
	"time"

	"frostline/firmware-sim/device"
	"frostline/firmware-sim/scenario"
	"frostline/firmware-sim/tty"
)

// receiver is a GNSS receiver with its serial line.
type receiver struct {
	gnss      *device.GNSS
	path      string
	port      *tty.Port
	queue     []burst // not sent yet: of a slow receiver
	sent      uint64  // bursts
	sentences uint64  // of them
	skipped   uint64  // bursts passed over by a long advance
	lost      uint64  // bytes nobody read
	failed    uint64  // sends that failed
}

// burst is a second's sentences and when they go out.
type burst struct {
	due  time.Duration
	text []byte
}

// readerWait is how long an advance gives the reader of a receiver to take a
// burst.
const readerWait = 250 * time.Millisecond

func (b *Board) receiver(full string, d scenario.Device) (*receiver, error) {
	if _, err := b.world.Position(d.Senses, 0); err != nil {
		return nil, err
	}
	at := func(now time.Duration) device.Position {
		p, err := b.world.Position(d.Senses, now)
		if err != nil { // checked above: vehicles do not vanish
			return device.Position{}
		}
		return device.Position(p)
	}
	r := &receiver{gnss: device.NewGNSS(b.seed, full, at), path: d.Pty}
	b.receivers = append(b.receivers, r)
	return r, nil
}

func (r *receiver) open() (err error) {
	r.port, err = tty.Open(r.path)
	return err
}

func (r *receiver) close() error {
	if r.port == nil {
		return nil
	}
	p := r.port
	r.port = nil
	return p.Close()
}

// nextSecond gives the first whole second of UTC at or after t.
func (b *Board) nextSecond(t time.Duration) time.Duration {
	past := time.Duration(b.world.UTC(t).Nanosecond())
	if past == 0 {
		return t
	}
	return t + time.Second - past
}

// emit sends what receivers have to say up to now. Of several seconds that
// have passed at once only the last is sent.
func (b *Board) emit(now, wait time.Duration) {
	if len(b.receivers) == 0 {
		return
	}
	if now >= b.second {
		passed := (now - b.second) / time.Second
		at := b.second + passed*time.Second
		b.second = at + time.Second
		b.world.AdvanceTo(at)
		for _, r := range b.receivers {
			r.skipped += uint64(passed)
			if text := r.gnss.Burst(at, b.world.UTC(at)); text != nil {
				r.queue = append(r.queue, burst{due: at + r.gnss.Delay(), text: text})
			}
		}
	}
	for _, r := range b.receivers {
		b.send(r, now, wait)
	}
}

// send writes the bursts that are due.
func (b *Board) send(r *receiver, now, wait time.Duration) {
	var text []byte
	for len(r.queue) > 0 && r.queue[0].due <= now {
		text = append(text, r.queue[0].text...)
		r.queue = r.queue[1:]
		r.sent++
	}
	if len(text) == 0 || r.port == nil {
		return
	}
	r.sentences += uint64(bytes.Count(text, []byte("\n")))
	lost, err := r.port.Send(text, wait)
	r.lost += uint64(lost)
	if err != nil {
		if r.failed == 0 {
			b.log.Warn("receiver cannot send; further failures are only counted", "device", r.gnss.Name(), "err", err)
		}
		r.failed++
	}
}

// nextBurst gives the time at which a receiver next has something to say.
func (b *Board) nextBurst() (time.Duration, bool) {
	if len(b.receivers) == 0 {
		return 0, false
	}
	next := b.second
	for _, r := range b.receivers {
		if len(r.queue) > 0 {
			next = min(next, r.queue[0].due)
		}
	}
	return next, true
}
