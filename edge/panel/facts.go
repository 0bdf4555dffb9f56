package panel

import (
	"fmt"
	"strings"
)

// factCards lists what lies behind the verdict. A card's mark is that of the
// worst finding about its part, or of its worst row.
func (l *locale) factCards(s Snapshot, v Verdict) []factCard {
	cards := []factCard{
		{ID: "journal", Rows: l.journalRows(s.Journal)},
		{ID: "uplink", Rows: l.uplinkRows(s.Uplink)},
		{ID: "clock", Rows: l.clockRows(s.Clock)},
		{ID: "certificate", Rows: l.gatewayRows(s)},
	}
	if rows := l.guardRows(s.Guard); len(rows) > 0 {
		cards = append(cards, factCard{ID: "watched", Rows: rows})
	}
	for i := range cards {
		c := &cards[i]
		c.Name, c.State = l.say("facts."+c.ID), Fine
		for _, f := range v.Findings {
			if f.Part == c.ID && f.State.Worse(c.State) < 0 {
				c.State = f.State
			}
		}
		for _, r := range c.Rows {
			if (r.State == Bad || r.State == Watch || r.State == Silent && c.ID == "watched") && r.State.Worse(c.State) < 0 {
				c.State = r.State
			}
		}
	}
	return cards
}

func (l *locale) row(key, text string) row { return row{Name: l.say("row." + key), Text: text} }

func (l *locale) mark(key, text string, state State) row {
	return row{Name: l.say("row." + key), Text: text, State: state}
}

// none writes a number of things, and none in a word.
func (l *locale) none(n uint64, thing string) string {
	if n == 0 {
		return l.say("none")
	}
	return l.count(n, thing)
}

func (l *locale) journalRows(j Journal) []row {
	pending := l.say("none")
	if j.PendingBlocks > 0 {
		pending = l.say("facts.in-blocks", l.count(j.PendingReadings, "reading"), l.count(j.PendingBlocks, "block"))
	}
	r := []row{
		l.row("epoch", fmt.Sprint(j.Epoch)),
		l.row("kept", l.say("facts.to-block", l.count(j.Readings, "reading"), group(j.LastBlock))),
		l.row("pending", pending),
	}
	if j.PendingBlocks > 0 {
		r = append(r, l.row("oldest", l.oldest(j)))
	}
	disk := FormatBytes(j.Bytes)
	if j.LimitBytes > 0 {
		disk = l.say("facts.of", disk, FormatBytes(j.LimitBytes))
	}
	r = append(r, l.row("disk", disk))
	if j.HoursLeft != nil {
		r = append(r, l.row("room", l.room(*j.HoursLeft)))
	}
	if j.MemoryBlocks > 0 {
		r = append(r, l.mark("memory", l.count(j.MemoryReadings, "reading"), Bad))
	}
	if j.DamagedSegments > 0 {
		r = append(r, l.mark("damaged", l.count(uint64(j.DamagedSegments), "segment"), Watch))
	}
	return append(r, l.mark("lost", l.none(j.LostReadings, "reading"), choose(j.LostReadings == 0, State(""), Watch)))
}

func (l *locale) oldest(j Journal) string {
	switch {
	case j.OldestAgeMs != nil && j.OldestUTCMs != nil:
		return l.say("facts.old", FormatAge(*j.OldestAgeMs)) + ", " + utc(*j.OldestUTCMs)
	case j.OldestAgeMs != nil:
		return l.say("facts.old", FormatAge(*j.OldestAgeMs))
	case j.OldestUTCMs != nil:
		return utc(*j.OldestUTCMs)
	}
	return l.say("facts.earlier-boot")
}

func (l *locale) uplinkRows(u Uplink) []row {
	state := l.say("link." + string(u.State))
	if u.State != LinkOff {
		state = l.say("facts.for", state, FormatAge(u.ForMs))
	}
	r := []row{
		l.row("hub", choose(u.Hub == "", l.say("not-known"), u.Hub)),
		l.mark("state", state, choose(u.State == LinkConnected, State(""), Watch)),
	}
	if u.State != LinkConnected && u.Why != "" {
		r = append(r, l.row("because", plain(u.Why)))
	}
	if u.RetryInMs != nil && u.State == LinkDisconnected {
		r = append(r, l.row("retry", l.say("facts.in", FormatAge(*u.RetryInMs))))
	}
	ack := l.mark("ack", l.say("facts.none-in-boot"), Silent)
	if u.AckAgeMs != nil {
		ack = l.row("ack", l.say("ago", FormatAge(*u.AckAgeMs)))
	}
	r = append(r, ack, l.row("in-flight", l.count(uint64(u.InFlightParcels), "parcel")))
	if u.RoundTripMs != nil {
		r = append(r, l.row("round-trip", milliseconds(*u.RoundTripMs)))
	}
	return append(r,
		l.row("again", l.count(u.ResentParcels, "parcel")),
		l.mark("refused", l.none(u.RefusedBlocks, "block"), choose(u.RefusedBlocks == 0, State(""), Bad)))
}

func (l *locale) clockRows(c Clock) []row {
	up := l.row("boottime", fmt.Sprintf("%d ms", c.BoottimeMs))
	if c.UTCMs == nil {
		return []row{{Name: "UTC", Text: l.say("facts.undated"), State: Undated}, up}
	}
	r := []row{
		{Name: "UTC", Text: utc(*c.UTCMs)},
		l.mark("sure", "± "+milliseconds(float64(c.UncertaintyMs)), choose(c.UncertaintyMs > uncertainMs, Watch, State(""))),
		l.row("from", c.Source),
	}
	if c.Conflict {
		r = append(r, l.mark("sources", l.say("facts.contradict"), Watch))
	}
	if len(c.Left) > 0 {
		r = append(r, l.mark("left", strings.Join(c.Left, ", "), Watch))
	}
	return append(r, up)
}

// releaseRows tells where the program comes from, and what becomes of the release
// that the hub wants.
func (l *locale) releaseRows(x *Release) []row {
	if x == nil {
		return nil
	}
	r := l.row("release", l.say(choose(x.Packaged, "release.packaged", "release.confirmed")))
	switch x.Phase {
	case "trial":
		r.Text = l.say("release.trial")
	case "fetching":
		r.Text += ", " + l.say("release.fetching", share(x.Have, x.Size))
	case "refused":
		r.Text, r.State = r.Text+", "+l.say("release.refused"), Watch
	}
	if x.Reason == "" {
		return []row{r}
	}
	return []row{r, {Name: l.say("row.because"), Text: plain(x.Reason), State: r.State}}
}

// share is a part of a whole in per cent, rounded down.
func share(part, whole uint64) string {
	if whole == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%d %%", min(part, whole)*100/whole)
}

// configRows tells of the hub's desired state where it has given one.
func (l *locale) configRows(c Config) (r []row) {
	switch {
	case c.Running == 0 && c.Refused == 0:
		return nil
	case c.Running == 0:
		r = append(r, l.row("configuration", l.say("facts.own-file")))
	default:
		r = append(r, l.row("configuration", l.say(choose(c.Trial, "facts.hub-trial", "facts.hub-version"), group(c.Running))))
	}
	if c.Refused != 0 {
		r = append(r, row{Name: l.say("row.refused-version", group(c.Refused)), Text: plain(c.Reason), State: Watch})
	}
	return r
}

func (l *locale) gatewayRows(s Snapshot) []row {
	r := []row{l.row("version", s.Version), l.row("boot", fmt.Sprint(s.Boot)), l.row("up", FormatAge(s.UptimeMs))}
	r = append(r, l.releaseRows(s.Release)...)
	r = append(r, l.configRows(s.Config)...)
	c := s.Certificate
	switch {
	case !c.Enrolled:
		return append(r, l.mark("certificate", l.say("facts.not-enrolled"), Watch))
	case c.ExpiresInMs == nil:
		return append(r, l.row("certificate-until", utc(c.NotAfterMs)))
	case *c.ExpiresInMs <= 0:
		return append(r, l.mark("certificate", l.say("facts.expired", FormatAge(-*c.ExpiresInMs)), Bad))
	}
	return append(r, l.row("certificate-until", l.say("facts.left", utc(c.NotAfterMs)[:10], FormatAge(*c.ExpiresInMs))))
}
