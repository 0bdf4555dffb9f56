package demo

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"frostline/edge/panel"
)

// watch shows the gateways until ctx ends, a key says so, or a program ends by
// itself. On a terminal it redraws one table; elsewhere it prints a line a
// gateway every ten seconds.
func (d *demo) watch(ctx context.Context) error {
	keys := make(chan byte)
	every, redraw := 10*time.Second, false
	if d.In != nil && term.IsTerminal(int(d.In.Fd())) {
		if state, err := term.MakeRaw(int(d.In.Fd())); err == nil {
			defer term.Restore(int(d.In.Fd()), state)
			go readKeys(ctx, d.In, keys)
			every, redraw = time.Second, true
		}
	}
	d.help(ctx, redraw)
	ended := make(chan *process, len(d.edges)+2)
	for _, p := range d.all() {
		go func() { <-p.done; ended <- p }()
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	lines := 0
	for {
		table := d.table(ctx)
		if redraw && lines > 0 {
			fmt.Fprintf(d.Out, "\x1b[%dA\x1b[J", lines)
		}
		fmt.Fprint(d.Out, strings.ReplaceAll(table, "\n", "\r\n"))
		lines = strings.Count(table, "\n")
		select {
		case <-ctx.Done():
			return nil
		case p := <-ended:
			return fmt.Errorf("%s ended by itself: %v; the end of %s:\n%s", p.name, p.err, p.log, p.lastLines())
		case k := <-keys:
			if k == 'q' || k == 3 || k == 4 { // Ctrl-C and Ctrl-D in raw mode
				return nil
			}
			if i := int(k - '1'); k >= '1' && i < len(d.places) {
				d.toggle(ctx, d.places[i])
			}
		case <-tick.C:
		}
	}
}

func readKeys(ctx context.Context, in *os.File, keys chan<- byte) {
	var b [1]byte
	for {
		if n, err := in.Read(b[:]); n == 0 || err != nil {
			return
		}
		select {
		case keys <- b[0]:
		case <-ctx.Done():
			return
		}
	}
}

// toggle pulls a gateway's link, or restores it.
func (d *demo) toggle(ctx context.Context, p place) {
	c := panel.NewClient(d.path(p.gateway))
	s, err := c.Status(ctx)
	if err == nil {
		err = c.SetLink(ctx, s.Uplink.State == panel.LinkCut)
	}
	if err != nil {
		d.say("%s: %v", p.gateway, err)
	}
}

func (d *demo) help(ctx context.Context, redraw bool) {
	d.say("")
	doors, err := d.doors(ctx)
	if err != nil {
		d.say("  nobody can be let in: %v", err)
	}
	d.say("  Sign in at the hub's pages by one of these, each good once:")
	for _, l := range doors {
		d.say("  %-30s %s", l.who, l.url)
	}
	d.say("  and by another later:            bin/frostline user link ID --socket %s", d.path("hub", "frostline.sock"))
	d.say("")
	d.say("  hub         %s/", d.pages())
	for i, p := range d.places {
		d.say("  %-11s http://%s/  %s", p.gateway, d.loopback(d.ports.Panel+i), p.what)
	}
	if d.teller.Done() {
		d.say("")
		d.say("  What happened, and where to look. All packages: %s/view/packages  excursions: %s/view/excursions", d.pages(), d.pages())
		for _, l := range d.teller.Lines() {
			d.say("  %s: %s", l.Title, l.Tells)
			d.say("      %s", l.Look)
		}
		d.say("  Deliveries by the time that is left: %s/dispatch  a unit's way from the maker to now: %s/view/unit/00614141100101.N4K7021", d.pages(), d.pages())
		d.say("  those who signed, and their passwords: %s", d.teller.KeyFile())
	}
	d.say("")
	d.say("  all gateways and what adds up:   bin/frostline account --socket %s", d.path("hub", "frostline.sock"))
	d.say("  pull a gateway's link:           bin/frostline-edge link down --data %s", d.path(d.places[0].gateway))
	if d.teller.Done() {
		d.say("  what follows from excursions:    bin/frostline sagas list --all --socket %s", d.path("hub", "frostline.sock"))
		d.say("  a patient's link:                bin/frostline patient link SH-1007 --birth-year 1961 --socket %s", d.path("hub", "frostline.sock"))
	}
	if redraw {
		d.say("  or press 1 to %d to pull and restore a link, q to end", len(d.places))
	}
	d.say("")
}

// table is a line for each gateway, as it tells of itself.
func (d *demo) table(ctx context.Context) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-2s %-14s %-13s %12s %12s %10s  %s\n", "", "GATEWAY", "LINK", "KEPT", "WAITING", "ACK AGE", "LAST READING")
	for i, p := range d.places {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		s, err := panel.NewClient(d.path(p.gateway)).Status(ctx)
		cancel()
		if err != nil {
			fmt.Fprintf(&b, "%-2d %-14s does not answer\n", i+1, p.gateway)
			continue
		}
		ack := "-"
		if s.Uplink.AckAgeMs != nil {
			ack = (time.Duration(*s.Uplink.AckAgeMs) * time.Millisecond).Round(100 * time.Millisecond).String()
		}
		fmt.Fprintf(&b, "%-2d %-14s %-13s %12d %12d %10s  %s\n", i+1, p.gateway, s.Uplink.State, s.Journal.Readings,
			s.Journal.PendingReadings, ack, lastReading(s))
	}
	return b.String()
}

// lastReading is the freshest value of the first sensor that has one.
func lastReading(s panel.Status) string {
	for _, sensor := range s.Sensors {
		for _, l := range sensor.Last {
			if l.AgeMs != nil && l.Quality.HasValue() {
				unit, decimals := l.Quantity.Unit()
				value := float64(l.Value)
				for range decimals {
					value /= 10
				}
				return fmt.Sprintf("%s %.2f %s, %s", sensor.ID, value, unit, l.Quality)
			}
		}
	}
	return "none yet"
}

func (d *demo) all() []*process {
	out := []*process{d.hub, d.sim}
	for _, p := range d.edges {
		out = append(out, p)
	}
	return out
}
