package panel

import (
	"fmt"
	"strings"

	"frostline/proto/reading"
)

// remedies says what helps against a sensor's quality.
var remedies = map[reading.Quality]string{
	reading.NoAnswer:       "Check its cable and its power.",
	reading.NoFix:          "Give the antenna a view of the sky.",
	reading.Checksum:       "Check its cable: length, joints, and nothing noisy beside it.",
	reading.NotReady:       "Check its power, or give it a longer interval.",
	reading.PowerOn:        "Check its power: it restarts by itself.",
	reading.OutOfRange:     "Check the probe for damage, and that it is the right one for this place.",
	reading.ImpossibleStep: "Check the probe's seat and its cable.",
	reading.Stuck:          "Replace it if its value still does not move.",
}

// Remedy says what helps against a quality other than OK, a sentence; it is
// empty where nothing is known to help.
func Remedy(q reading.Quality) string { return remedies[q] }

func judgeSensors(sensors []Sensor, uptimeMs int64) []Finding {
	if len(sensors) == 0 {
		return []Finding{{State: Silent, Part: "sensors", Says: "No sensor is configured: nothing is measured.",
			Do: "Name the sensors in the configuration file and start the agent again."}}
	}
	on, silentOn, taken := map[string]int{}, map[string]int{}, false
	for _, s := range sensors {
		on[s.Bus]++
		if state, _ := JudgeSensor(s); state == Silent {
			silentOn[s.Bus]++
		}
		for _, l := range s.Last {
			taken = taken || l.AgeMs != nil
		}
	}
	if !taken && uptimeMs < startingMs {
		return []Finding{{State: Silent, Part: "sensors", Says: "Starting: no sensor has given a reading yet."}}
	}
	var f []Finding
	told := map[string]bool{}
	for _, s := range sensors {
		if c := s.Calibration; c != nil && c.State != CalibrationValid && c.State != CalibrationUndated {
			f = append(f, Finding{State: Watch, Part: "calibration " + s.ID,
				Says: fmt.Sprintf("The readings of %s rest on a %s: certificate %s, valid from %s until %s.", s.ID, s.Calibration.remark(), plain(c.Certificate), utc(c.ValidFromMs)[:10], utc(c.ValidUntilMs)[:10]),
				Do:   "Have it calibrated, and put the new certificate into the configuration."})
		}
		state, words := JudgeSensor(s)
		switch n := on[s.Bus]; {
		case state == Fine, told[s.Bus]:
		case n > 1 && silentOn[s.Bus] == n:
			told[s.Bus] = true
			f = append(f, Finding{State: Silent, Part: "bus " + BusName(s.Bus),
				Says: fmt.Sprintf("None of the %d sensors on %s gives a reading.", n, BusName(s.Bus)),
				Do:   "Check the bus: its cable, its power, and a short between its wires. frostline-edge doctor tries each sensor in turn."})
		default:
			f = append(f, Finding{State: state, Part: "sensor " + s.ID, Says: s.ID + " " + words + ".", Do: SensorRemedy(s)})
		}
	}
	return f
}

// SensorRemedy says what helps a sensor that is not fine, by its worst
// quantity.
func SensorRemedy(s Sensor) string {
	state, _ := JudgeSensor(s)
	for _, l := range s.Last {
		if st, _ := JudgeLast(s, l); st == state && l.AgeMs != nil && remedies[l.Quality] != "" {
			return remedies[l.Quality]
		}
	}
	return remedies[reading.NoAnswer]
}

func judgeJournal(j Journal, u Uplink) []Finding {
	var f []Finding
	if j.Error != "" || j.MemoryBlocks > 0 {
		says := "The disk takes no readings: "
		if j.MemoryReadings > 0 {
			says += fmt.Sprintf("%s in memory alone, lost if the power fails.", count(j.MemoryReadings, "reading"))
		} else {
			says += strings.TrimSuffix(plain(choose(j.Error != "", j.Error, "it is being tried again")), ".") + "."
		}
		f = append(f, Finding{State: Bad, Part: "journal", Says: says,
			Do: "Free space on the data directory's disk, and run frostline-edge doctor to see whether it is full or failing."})
	}
	if full := journalFull(j); full != nil {
		f = append(f, *full)
	} else if h := j.HoursLeft; h != nil && u.State != LinkConnected && *h < hoursWatch {
		f = append(f, Finding{State: choose(*h < hoursBad, Bad, Watch), Part: "journal",
			Says: "The journal is full in " + room(*h) + " if the hub stays out of reach.",
			Do:   "Restore the link, or allow the journal more space."})
	}
	if n := j.DamagedSegments; n > 0 {
		f = append(f, Finding{State: Watch, Part: "journal",
			Says: fmt.Sprintf("%s of the journal %s damaged and set aside.", count(n, "segment"), choose(n == 1, "was", "were")),
			Do:   "Copy the set-aside files from the data directory for examination, then have the disk checked."})
	}
	return f
}

// Shares of the journal's limit that are worth a word, percent.
const (
	fullWatch = 70
	fullBad   = 95
)

// journalFull speaks of a journal that gets full, nil of one that does not.
func journalFull(j Journal) *Finding {
	if j.FullPercent < fullWatch {
		return nil
	}
	left := "."
	if j.HoursLeft != nil {
		left = "; there is room for " + room(*j.HoursLeft) + " at the present rate."
	}
	bad := j.FullPercent >= fullBad || j.HoursLeft != nil && *j.HoursLeft < hoursBad
	return &Finding{State: choose(bad, Bad, Watch), Part: "journal",
		Says: fmt.Sprintf("The journal is %d %% full of what the hub does not have%s", min(j.FullPercent, 100), left),
		Do:   "Restore the link, allow the journal more space, or bring it to the hub by frostline-edge journal export."}
}

func judgeUplink(u Uplink, j Journal) []Finding {
	var f []Finding
	add := func(state State, says, do string) {
		f = append(f, Finding{State: state, Part: "uplink", Says: says, Do: do})
	}
	if u.RefusedBlocks > 0 {
		says := "The hub refused " + count(u.RefusedBlocks, "block")
		if r := strings.TrimSuffix(plain(u.RefusedReason), "."); r != "" {
			says += ": " + r
		}
		add(Bad, says+".", "Tell whoever runs the hub: the blocks lie in its quarantine, and are kept here too.")
	}
	saving := ""
	if j.Error == "" && j.MemoryBlocks == 0 {
		saving = " " + saved(j)
	}
	switch u.State {
	case LinkOff:
		add(Watch, "No hub to send to: "+strings.TrimSuffix(plain(choose(u.Why != "", u.Why, "none is known")), ".")+"."+saving,
			"Enrol it: make a code at the hub with frostline enrol, and give it to frostline-edge enrol here.")
	case LinkCut:
		add(Watch, "The link was pulled by hand "+FormatAge(u.ForMs)+" ago."+saving, "Restore it with frostline-edge link up.")
	case LinkDisconnected:
		add(Watch, "Offline for "+FormatAge(u.ForMs)+"."+saving,
			"Check the network cable or the modem; frostline-edge doctor says how far the way to the hub goes.")
	case LinkConnected:
		switch {
		case j.PendingReadings == 0:
		case u.HubSilent, (u.AckAgeMs == nil || *u.AckAgeMs > quietMs) && u.ForMs > quietMs:
			add(Watch, "Connected, but the hub has acknowledged nothing for "+
				FormatAge(choose(u.AckAgeMs == nil, u.ForMs, deref(u.AckAgeMs)))+"."+saving,
				"Ask whoever runs the hub to look at its intake.")
		case j.OldestAgeMs == nil, *j.OldestAgeMs > backlogMs:
			since := ""
			if j.OldestAgeMs != nil {
				since = " from the last " + FormatAge(*j.OldestAgeMs)
			}
			add(Watch, fmt.Sprintf("Catching up: %s%s still to be sent.", count(j.PendingReadings, "reading"), since), "")
		}
	}
	return f
}

// saved says that readings are kept, which is true of a journal that works.
func saved(j Journal) string {
	if j.PendingReadings == 0 || j.LostReadings > 0 {
		return "Readings are kept here."
	}
	return "Saving " + count(j.PendingReadings, "reading") + ", nothing is lost."
}

func judgeClock(c Clock) []Finding {
	switch {
	case c.UTCMs == nil:
		return []Finding{{State: Undated, Part: "clock", Says: "The time is not known yet: readings are kept, and dated as soon as it is.",
			Do: "Give the gateway one clock: a GNSS fix, an NTP server, the hub, or a battery for its own."}}
	case c.Conflict:
		return []Finding{{State: Watch, Part: "clock", Says: "The clock's sources contradict one another, by up to " + FormatAge(c.UncertaintyMs) + ".",
			Do: "Run frostline-edge doctor and correct the source that is off."}}
	case c.UncertaintyMs > uncertainMs:
		return []Finding{{State: Watch, Part: "clock", Says: "The time is sure only to " + FormatAge(c.UncertaintyMs) + ".",
			Do: "Give the gateway a better clock: a GNSS fix, an NTP server or the hub."}}
	}
	return nil
}

func judgeCertificate(c Certificate) []Finding {
	f := Finding{Part: "certificate"}
	switch left := c.ExpiresInMs; {
	case !c.Enrolled:
		return nil // the uplink, which is off, says so
	case left != nil && *left <= 0:
		f.State, f.Says = Bad, "The certificate has expired: the hub refuses this gateway."
		f.Do = "Enrol it again with a code from frostline enrol; what is kept here stays."
	case c.Error != "":
		f.State, f.Says = Watch, "The certificate: "+strings.TrimSuffix(plain(c.Error), ".")+"."
		f.Do = "Run frostline-edge doctor; it says whether key, issuer or hub is at fault."
	case left != nil && *left < (c.NotAfterMs-c.NotBeforeMs)/renewalPart:
		f.State, f.Says = Watch, "The certificate expires in "+FormatAge(*left)+" and was not renewed."
		f.Do = "Restore the link, or look at the hub: renewal needs both."
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
