package panel

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"frostline/proto/reading"
)

// WriteText writes a status for a terminal: the verdict, then what lies behind
// it, in aligned columns. Nothing in it steers the terminal.
func WriteText(w io.Writer, s Status) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s %s\n", plain(s.Gateway), strings.ToLower(english.state(s.Verdict.State))+".", s.Verdict.Says)
	if s.Verdict.Fine != "" {
		fmt.Fprintln(&b, s.Verdict.Fine)
	}
	for i, f := range s.Verdict.Findings {
		if i > 0 {
			fmt.Fprintf(&b, "  %s: %s\n", strings.ToLower(english.state(f.State)), f.Says)
		}
		if f.Do != "" {
			fmt.Fprintf(&b, "  -> %s\n", f.Do)
		}
	}
	writeAlarms(&b, s.Guard.Alarms)
	if len(s.Sensors) > 0 {
		fmt.Fprintln(&b)
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "SENSOR\tQUANTITY\tVALUE\tUNIT\tQUALITY\tAGE\tDRIVER\tBUS")
		for _, x := range s.Sensors {
			writeSensor(t, x)
		}
		t.Flush()
		for _, x := range s.Sensors {
			if why := sensorError(x); why != "" {
				fmt.Fprintf(&b, "%s: %s\n", plain(x.ID), why)
			}
		}
	}
	for _, c := range english.factCards(s.Snapshot, s.Verdict) {
		fmt.Fprintf(&b, "\n%s\n", strings.ToUpper(c.Name))
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, r := range c.Rows {
			fmt.Fprintf(t, "  %s\t%s\n", r.Name, plain(r.Text))
		}
		t.Flush()
	}
	if len(s.Faults) > 0 {
		fmt.Fprint(&b, "\nFAULTS\n")
		for _, f := range s.Faults {
			fmt.Fprintf(&b, "  %s%s\n", plain(english.fault(f)), choose(f.passed(), ", passed", ""))
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// WriteAlarms writes the alarms that are not over for a terminal.
func WriteAlarms(w io.Writer, s Status) error {
	var b bytes.Buffer
	if len(s.Guard.Alarms) == 0 {
		fmt.Fprintln(&b, choose(len(s.Guard.Watches) == 0, "nothing is watched: name profiles and sensors under watches in the configuration", "no alarm"))
	}
	writeAlarms(&b, s.Guard.Alarms)
	_, err := w.Write(b.Bytes())
	return err
}

func writeAlarms(b *bytes.Buffer, alarms []Alarm) {
	if len(alarms) == 0 {
		return
	}
	fmt.Fprintln(b)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ALARM\tKIND\tSEVERITY\tWATCH\tSENSOR\tRULE\tAGE\tSTATE")
	for _, a := range alarms {
		state := choose(a.Active, "active", "over") + choose(a.Acknowledged, ", acknowledged: "+a.Reason, ", not acknowledged")
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", plain(a.ID), plain(a.Kind), plain(string(a.Severity)), plain(a.Watch), plain(a.Sensor),
			choose(a.Limit == "", "-", plain(a.Limit)), FormatAge(a.AgeMs), plain(state))
	}
	t.Flush()
}

func writeSensor(w io.Writer, s Sensor) {
	if len(s.Last) == 0 {
		fmt.Fprintf(w, "%s\t-\t-\t\tnone yet\t-\t%s\t%s\n", plain(s.ID), s.Driver, plain(BusName(s.Bus)))
	}
	for _, l := range s.Last {
		number, unit, quality, old := "-", "", "none yet", "-"
		if l.AgeMs != nil {
			quality, old = l.Quality.String(), FormatAge(*l.AgeMs)
			if l.Quality.HasValue() {
				number, unit = display(l.Value, l.Quantity)
			}
			if state, words := JudgeLast(s, l); state == Silent && l.Quality.HasValue() {
				quality = words
			}
			if r := english.remark(s.Calibration); r != "" && (l.Quantity == reading.Temperature) {
				quality += ", " + r
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", plain(s.ID), l.Quantity, number, unit, quality, old, s.Driver, plain(BusName(s.Bus)))
	}
}
