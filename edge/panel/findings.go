package panel

import (
	"strings"

	"frostline/proto/reading"
)

// remedies are the keys of what helps against a sensor's quality.
var remedies = map[reading.Quality]string{
	reading.NoAnswer:       "remedy.no-answer",
	reading.NoFix:          "remedy.no-fix",
	reading.Checksum:       "remedy.checksum",
	reading.NotReady:       "remedy.not-ready",
	reading.PowerOn:        "remedy.power-on",
	reading.OutOfRange:     "remedy.out-of-range",
	reading.ImpossibleStep: "remedy.impossible-step",
	reading.Stuck:          "remedy.stuck",
}

// Remedy says what helps against a quality other than OK, an English sentence; it
// is empty where nothing is known to help.
func Remedy(q reading.Quality) string { return english.remedy(q) }

func (l *locale) remedy(q reading.Quality) string {
	if key, ok := remedies[q]; ok {
		return l.say(key)
	}
	return ""
}

func (l *locale) judgeSensors(sensors []Sensor, uptimeMs int64) []Finding {
	if len(sensors) == 0 {
		return []Finding{{State: Silent, Part: "sensors", Says: l.say("judge.no-sensor"), Do: l.say("do.no-sensor")}}
	}
	on, silentOn, taken := map[string]int{}, map[string]int{}, false
	for _, s := range sensors {
		on[s.Bus]++
		if state, _ := l.judgeSensor(s); state == Silent {
			silentOn[s.Bus]++
		}
		for _, x := range s.Last {
			taken = taken || x.AgeMs != nil
		}
	}
	if !taken && uptimeMs < startingMs {
		return []Finding{{State: Silent, Part: "sensors", Says: l.say("judge.starting")}}
	}
	var f []Finding
	told := map[string]bool{}
	for _, s := range sensors {
		if c := s.Calibration; c != nil && c.State != CalibrationValid && c.State != CalibrationUndated {
			f = append(f, Finding{State: Watch, Part: "calibration " + s.ID,
				Says: l.say("judge.calibration", s.ID, l.remark(c), plain(c.Certificate), utc(c.ValidFromMs)[:10], utc(c.ValidUntilMs)[:10]),
				Do:   l.say("do.calibration")})
		}
		state, words := l.judgeSensor(s)
		switch n := on[s.Bus]; {
		case state == Fine, told[s.Bus]:
		case n > 1 && silentOn[s.Bus] == n:
			told[s.Bus] = true
			f = append(f, Finding{State: Silent, Part: "bus " + BusName(s.Bus), Says: l.say("judge.bus", group(uint64(n)), l.bus(s.Bus)), Do: l.say("do.bus")})
		default:
			f = append(f, Finding{State: state, Part: "sensor " + s.ID, Says: s.ID + " " + words + ".", Do: l.sensorRemedy(s)})
		}
	}
	return f
}

// SensorRemedy says what helps a sensor that is not fine, by its worst
// quantity, in English.
func SensorRemedy(s Sensor) string { return english.sensorRemedy(s) }

func (l *locale) sensorRemedy(s Sensor) string {
	state, _ := l.judgeSensor(s)
	for _, x := range s.Last {
		if st, _ := l.judgeLast(s, x); st == state && x.AgeMs != nil && remedies[x.Quality] != "" {
			return l.remedy(x.Quality)
		}
	}
	return l.remedy(reading.NoAnswer)
}

func (l *locale) judgeJournal(j Journal, u Uplink) []Finding {
	var f []Finding
	if j.Error != "" || j.MemoryBlocks > 0 {
		says := l.say("judge.disk-error", strings.TrimSuffix(plain(choose(j.Error != "", j.Error, l.say("judge.disk-again"))), "."))
		if j.MemoryReadings > 0 {
			says = l.say("judge.disk-memory", l.count(j.MemoryReadings, "reading"))
		}
		f = append(f, Finding{State: Bad, Part: "journal", Says: says, Do: l.say("do.disk")})
	}
	if full := l.journalFull(j); full != nil {
		f = append(f, *full)
	} else if h := j.HoursLeft; h != nil && u.State != LinkConnected && *h < hoursWatch {
		f = append(f, Finding{State: choose(*h < hoursBad, Bad, Watch), Part: "journal", Says: l.say("judge.full-in", l.room(*h)), Do: l.say("do.full-in")})
	}
	if n := j.DamagedSegments; n > 0 {
		f = append(f, Finding{State: Watch, Part: "journal",
			Says: l.say(choose(n == 1, "judge.damaged.one", "judge.damaged.many"), l.count(uint64(n), "segment")), Do: l.say("do.damaged")})
	}
	return f
}

// Shares of the journal's limit that are worth a word, percent.
const (
	fullWatch = 70
	fullBad   = 95
)

// journalFull speaks of a journal that gets full, nil of one that does not.
func (l *locale) journalFull(j Journal) *Finding {
	if j.FullPercent < fullWatch {
		return nil
	}
	percent := group(uint64(min(j.FullPercent, 100)))
	says := l.say("judge.full", percent)
	if j.HoursLeft != nil {
		says = l.say("judge.full-room", percent, l.room(*j.HoursLeft))
	}
	bad := j.FullPercent >= fullBad || j.HoursLeft != nil && *j.HoursLeft < hoursBad
	return &Finding{State: choose(bad, Bad, Watch), Part: "journal", Says: says, Do: l.say("do.full")}
}

func (l *locale) judgeUplink(u Uplink, j Journal) []Finding {
	var f []Finding
	add := func(state State, says, do string) {
		if do != "" {
			do = l.say(do)
		}
		f = append(f, Finding{State: state, Part: "uplink", Says: says, Do: do})
	}
	if u.RefusedBlocks > 0 {
		says := l.say("judge.refused", l.count(u.RefusedBlocks, "block"))
		if r := strings.TrimSuffix(plain(u.RefusedReason), "."); r != "" {
			says += ": " + r
		}
		add(Bad, says+".", "do.refused")
	}
	saving := ""
	if j.Error == "" && j.MemoryBlocks == 0 {
		saving = " " + l.saved(j)
	}
	switch u.State {
	case LinkOff:
		why := l.say("judge.no-hub-known")
		if u.Why != "" {
			why = strings.TrimSuffix(plain(u.Why), ".")
		}
		add(Watch, l.say("judge.no-hub", why)+saving, "do.no-hub")
	case LinkCut:
		add(Watch, l.say("judge.cut", FormatAge(u.ForMs))+saving, "do.cut")
	case LinkDisconnected:
		add(Watch, l.say("judge.offline", FormatAge(u.ForMs))+saving, "do.offline")
	case LinkConnected:
		switch {
		case j.PendingReadings == 0:
		case u.HubSilent, (u.AckAgeMs == nil || *u.AckAgeMs > quietMs) && u.ForMs > quietMs:
			add(Watch, l.say("judge.quiet", FormatAge(choose(u.AckAgeMs == nil, u.ForMs, deref(u.AckAgeMs))))+saving, "do.quiet")
		case j.OldestAgeMs == nil:
			add(Watch, l.say("judge.catching-up", l.count(j.PendingReadings, "reading")), "")
		case *j.OldestAgeMs > backlogMs:
			add(Watch, l.say("judge.catching-up-since", l.count(j.PendingReadings, "reading"), FormatAge(*j.OldestAgeMs)), "")
		}
	}
	return f
}

// saved says that readings are kept, which is true of a journal that works.
func (l *locale) saved(j Journal) string {
	if j.PendingReadings == 0 || j.LostReadings > 0 {
		return l.say("saved.kept")
	}
	return l.say("saved.saving", l.count(j.PendingReadings, "reading"))
}

func (l *locale) judgeClock(c Clock) []Finding {
	switch {
	case c.UTCMs == nil:
		return []Finding{{State: Undated, Part: "clock", Says: l.say("judge.undated"), Do: l.say("do.undated")}}
	case c.Conflict:
		return []Finding{{State: Watch, Part: "clock", Says: l.say("judge.conflict", FormatAge(c.UncertaintyMs)), Do: l.say("do.conflict")}}
	case len(c.Left) > 0:
		return []Finding{{State: Watch, Part: "clock", Says: l.say("judge.left", strings.Join(c.Left, ", ")), Do: l.say("do.left")}}
	case c.UncertaintyMs > uncertainMs:
		return []Finding{{State: Watch, Part: "clock", Says: l.say("judge.uncertain", FormatAge(c.UncertaintyMs)), Do: l.say("do.uncertain")}}
	}
	return nil
}

func (l *locale) judgeCertificate(c Certificate) []Finding {
	f := Finding{Part: "certificate"}
	switch left := c.ExpiresInMs; {
	case !c.Enrolled:
		return nil // the uplink, which is off, says so
	case left != nil && *left <= 0:
		f.State, f.Says, f.Do = Bad, l.say("judge.expired"), l.say("do.expired")
	case c.Error != "":
		f.State, f.Says, f.Do = Watch, l.say("judge.certificate", strings.TrimSuffix(plain(c.Error), ".")), l.say("do.certificate")
	case left != nil && *left < (c.NotAfterMs-c.NotBeforeMs)/renewalPart:
		f.State, f.Says, f.Do = Watch, l.say("judge.expires", FormatAge(*left)), l.say("do.expires")
	default:
		return nil
	}
	return []Finding{f}
}

func deref(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}
