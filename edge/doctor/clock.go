package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"frostline/edge/clock"
	"frostline/edge/panel"
	"frostline/proto/truetime"
)

// sources are the clocks of the host.
type sources struct {
	ntp func(clock.Clock) (truetime.Anchor, bool, error)
	rtc func(clock.Clock, string) (truetime.Anchor, bool, error)
	// rtcFile is where the kernel shows the battery-backed clock.
	rtcFile string
}

var kernelSources = sources{ntp: clock.NTP, rtc: clock.RTC, rtcFile: clock.RTCFile}

// heard keeps what a satellite receiver told of the time first.
type heard chan truetime.Anchor

func (h heard) take(a truetime.Anchor) {
	select {
	case h <- a:
	default:
	}
}

// Limits of a clock. A receiver's time is believed after ten sentences, of
// which there is one a second.
const (
	clockLimit     = 5 * time.Second
	satelliteLimit = 16 * time.Second
	satelliteWait  = 13 * time.Second
)

func (b *bench) clockChecks() []check {
	checks := []check{
		one("boot clock", clockLimit, b.bootClock),
		one("ntp", clockLimit, b.ntp),
		one("rtc", clockLimit, b.rtc),
	}
	if b.running != nil && b.running.Clock.UTCMs != nil {
		checks = append(checks, one("time sources", clockLimit, func(context.Context) Result { return agreement(b.running.Clock) }))
	}
	for _, s := range b.Sensors {
		if s.Driver == "gnss" {
			return append(checks, one("satellite time", satelliteLimit, b.satelliteTime))
		}
	}
	return append(checks, skip("satellite time", "no receiver is configured"))
}

// remedies correct a source of time, by its name.
var remedies = map[string]string{
	truetime.RTC.String():  "Set the battery-backed clock with hwclock --systohc, and replace its battery if it goes wrong again.",
	truetime.NTP.String():  "Look at the servers of chrony or systemd-timesyncd: chronyc sources -v, or timedatectl timesync-status.",
	truetime.Hub.String():  "Look at the hub's clock: the machine it runs on needs NTP.",
	truetime.GNSS.String(): "Look at the receiver: its week may have rolled over, or somebody sends it false signals.",
}

// agreement tells how the running agent's sources of time stand to one another.
func agreement(c panel.Clock) Result {
	switch {
	case c.Conflict:
		return warn("Correct the source that is off, or give the gateway a third: of GNSS, NTP and the hub two must agree.",
			"they contradict one another by up to %s, and no majority says which are wrong: readings of this boot cannot be used", panel.FormatAge(2*c.UncertaintyMs))
	case len(c.Left) > 0:
		var do []string
		for _, s := range c.Left {
			do = append(do, remedies[s])
		}
		return warn(strings.Join(do, " "), "%s contradicts the others, which agree, and is not used", strings.Join(c.Left, " and "))
	}
	return ok("they agree; readings are dated by %s to ± %d ms", c.Source, c.UncertaintyMs)
}

// bootClock checks the clock that all readings are stamped with.
func (b *bench) bootClock(ctx context.Context) Result {
	const enough = 20 * time.Millisecond
	before, start := b.Clock.Now(), time.Now()
	if !sleep(ctx, enough) {
		return fail("Run the examination again.", "no time to look: %v", context.Cause(ctx))
	}
	passed, real := b.Clock.Now()-before, time.Since(start).Milliseconds()
	if passed < enough.Milliseconds()/2 || passed > real+enough.Milliseconds() {
		return fail("Replace the gateway's hardware or kernel: no reading can be stamped.", "it moved by %d ms in %d ms", passed, real)
	}
	return ok("runs, %s since the host started", panel.FormatAge(before))
}

func (b *bench) ntp(context.Context) Result {
	a, synchronised, err := b.sources.ntp(b.Clock)
	switch {
	case err != nil:
		return warn("Let the kernel answer: adjtimex is blocked, by a container perhaps.", "%v", err)
	case !synchronised:
		return warn("Start a time service such as chrony or systemd-timesyncd, unless a satellite receiver or the hub shall date readings.",
			"the system clock says %s UTC, and the kernel does not hold it for synchronised", date(b.Clock.UTC()))
	}
	return ok("the system clock is synchronised to ± %d ms", a.Uncertainty)
}

func (b *bench) rtc(context.Context) Result {
	a, plausible, err := b.sources.rtc(b.Clock, b.sources.rtcFile)
	if err != nil {
		return warn("Look at the kernel's log for the clock's driver.", "%v", err)
	}
	if !plausible {
		if _, err := os.Stat(b.sources.rtcFile); isAbsent(err) {
			return skipped("there is no battery-backed clock; until another source answers after a power cut, readings are undated")
		}
		return warn("Replace its battery, then set it with hwclock --systohc.", "the battery-backed clock shows a year before this program was made")
	}
	system, synchronised, err := b.sources.ntp(b.Clock)
	if err != nil || !synchronised {
		return ok("the battery-backed clock shows %s UTC, and nothing better is there to compare it with", date(a.UTC))
	}
	off := (a.UTC - a.At) - (system.UTC - system.At)
	if far := max(off, -off); far > a.Uncertainty+system.Uncertainty {
		return warn("Set it with hwclock --systohc, and replace its battery if it goes wrong again.",
			"the battery-backed clock is off by %s", panel.FormatAge(far))
	}
	return ok("the battery-backed clock agrees with the system clock to %s", panel.FormatAge(max(off, -off)))
}

func (b *bench) satelliteTime(ctx context.Context) Result {
	if b.unwell != nil {
		return hung()
	}
	if b.running != nil {
		c := b.running.Clock
		switch {
		case c.UTCMs == nil:
			return warn("Give the antenna a view of the sky.", "the agent has the receiver, and its readings are undated")
		case c.Source == truetime.GNSS.String():
			return ok("the agent dates readings by the receiver to ± %d ms", c.UncertaintyMs)
		}
		return ok("the agent dates readings by %s to ± %d ms", c.Source, c.UncertaintyMs)
	}
	receiver := b.receiver.Load()
	if receiver == nil {
		return skipped("no receiver answers")
	}
	_, stop, err := b.start(ctx, *receiver)
	if err != nil {
		return fail("Correct the sensor's entry in the configuration file.", "%v", err)
	}
	defer stop()
	wait := time.NewTimer(satelliteWait)
	defer wait.Stop()
	select {
	case a := <-b.heard:
		return ok("the receiver says it was %s UTC, to ± %d ms", date(a.UTC), a.Uncertainty)
	case <-wait.C:
	case <-ctx.Done():
	}
	return warn("Give the antenna a view of the sky, and the receiver a quarter of an hour after a long rest.",
		"the receiver has told no time that can be believed in %v", satelliteWait)
}

// date writes Unix milliseconds.
func date(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05") }

// isAbsent says whether a file is simply not there.
func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// modeText writes permissions as chmod takes them.
func modeText(m fs.FileMode) string { return fmt.Sprintf("%04o", m.Perm()) }
