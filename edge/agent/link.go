package agent

import (
	"sync"

	"frostline/edge/uplink"
)

// link is the operator's switch of the uplink, which may come later than the
// first use of the switch.
type link struct {
	mu  sync.Mutex
	up  *uplink.Uplink
	cut bool
}

// Cut implements panel.Link.
func (l *link) Cut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	if l.up != nil {
		l.up.Cut(cut)
	}
}

// changed says that what the State tells is another now.
func (l *link) changed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.up != nil {
		l.up.Changed()
	}
}

func (l *link) set(u *uplink.Uplink) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up = u
	if l.cut {
		u.Cut(true)
	}
}

// seal has a seal sent, if there is an uplink.
func (l *link) seal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.up != nil {
		l.up.Seal()
	}
}

// status is that of the uplink; ok is false while there is none.
func (l *link) status() (s uplink.Status, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.up == nil {
		return s, false
	}
	return l.up.Status(), true
}
