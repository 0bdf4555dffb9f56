package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"frostline/proto/thermal"
)

func init() { more = append(more, thermalCommand) }

func thermalCommand(o *options) *cobra.Command {
	var c thermalCall
	cmd := &cobra.Command{
		Use:   "thermal --profile NAME|FILE [FILE.csv]",
		Short: "Judge a series of temperatures by a storage profile",
		Long: `thermal judges lines of time,celsius by a storage profile, with the rules that
the hub and the gateways use, and prints the verdict as JSON: each excursion with
its crossing times, peak and area, mean kinetic temperature, stability budgets,
the time that was not monitored, and every constant. It needs no hub.

Times are RFC 3339 with a zone (2026-09-14T06:00:00Z), Unix seconds or Unix
milliseconds, all alike. A header may name the columns; blank lines and lines
that begin with # are passed over. What frostline history prints is read too:
lines of another quality than ok are no readings. Lines may come in any order;
readings of one instant are averaged; how many, and how far they differ, is said
under "input". If a line is bad, all bad lines are named and nothing is judged. Without FILE.csv, or with
"-", standard input is read.

--profile is a ready-made profile (--profiles lists them) or a file in YAML or
JSON. Readings further apart than the profile's longest gap have an unmonitored
span between them, and the outcome is then at best "unknown"; --gap allows more
or less.`,
		Example: `  frostline thermal --profile refrigerated box-7.csv
  frostline history van-14/box-1/temperature --from -7d | frostline thermal --profile crt
  frostline thermal --profile insulin.yaml --spent "room temperature=18h" box-7.csv
  frostline thermal --profiles`,
		Args: args(0, 1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.list {
				return listProfiles(cmd.OutOrStdout(), o.json)
			}
			if c.profile == "" {
				return usageError{errors.New("--profile is missing: want a name that --profiles lists, or a file")}
			}
			p, changed, err := c.load()
			if err != nil {
				return err
			}
			spent, err := parseSpent(c.spent)
			if err != nil {
				return usageError{err}
			}
			s, err := readSeries(slices.Concat(args, []string{""})[0], cmd.InOrStdin(), false)
			if err != nil {
				return err
			}
			if !s.Timed {
				return errors.New("one column: want time,celsius; frostline mkt reads temperatures alone")
			}
			out, err := judgeSeries(&p, s, spent)
			if err != nil {
				return err
			}
			out.Input.Changed = changed
			if out.Verdict.Monitored == 0 && out.Input.Readings > 1 {
				fmt.Fprintf(cmd.ErrOrStderr(), "frostline: no two readings are within %s of one another, the longest gap of profile %s; --gap allows more\n", millis(p.LongestGap), p.ID)
			}
			return printJSON(cmd.OutOrStdout(), out)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.profile, "profile", "", "a ready-made profile, or a file in YAML or JSON")
	f.BoolVar(&c.list, "profiles", false, "list the ready-made profiles; with --json, all they say")
	f.StringVar(&c.gap, "gap", "", "the longest gap that counts as monitored, such as 1h, instead of the profile's")
	f.Float64Var(&c.deltaH, "delta-h", 0, "activation enthalpy in kJ/mol, instead of the profile's")
	f.StringArrayVar(&c.spent, "spent", nil, "what was used of a stability budget before, as BUDGET=18h; repeatable")
	return cmd
}

// thermalCall is what was asked for.
type thermalCall struct {
	profile, gap string
	list         bool
	deltaH       float64
	spent        []string
}

// judged is what thermal prints: the verdict, and what it was made of.
type judged struct {
	thermal.Verdict
	Rules thermal.Profile `json:"rules"`
	Input judgedInput     `json:"input"`
}

type judgedInput struct {
	Lines      int      `json:"lines"`
	Header     bool     `json:"header"`
	Readings   int      `json:"readings"` // after averaging
	Skipped    int      `json:"skipped"`
	Duplicates int      `json:"duplicatesAveraged"`
	Differing  int      `json:"duplicatesThatDiffer"` // instants with readings of several temperatures
	Widest     float64  `json:"widestDifferenceKelvin"`
	Unsorted   int      `json:"unsorted"`
	Rounded    int      `json:"roundedToThousandths"`
	First      string   `json:"first"`
	Last       string   `json:"last"`
	Longest    int64    `json:"longestIntervalMs"`
	Changed    []string `json:"changedInProfile,omitempty"`
}

// load gives the profile, and what the call changes in it.
func (c *thermalCall) load() (thermal.Profile, []string, error) {
	p, err := findProfile(c.profile)
	if err != nil {
		return p, nil, err
	}
	var changed []string
	if c.gap != "" {
		if p.LongestGap, err = thermal.ParseDuration(c.gap); err != nil {
			return p, nil, usageError{fmt.Errorf("--gap %w", err)}
		}
		changed = append(changed, "longestGap")
	}
	if c.deltaH != 0 {
		if p.Activation, err = activation(c.deltaH); err != nil {
			return p, nil, usageError{err}
		}
		changed = append(changed, "activation")
	}
	if err := p.Validate(); err != nil {
		return p, nil, usageError{fmt.Errorf("profile %s: %w", p.ID, err)}
	}
	return p, changed, nil
}

// activation turns kJ/mol into the J/mol of profiles.
func activation(kilojoule float64) (int64, error) {
	j := math.Round(kilojoule * 1000)
	if !(j >= thermal.MinActivation && j <= thermal.MaxActivation) {
		return 0, fmt.Errorf("--delta-h %v kJ/mol: want %d to %d; 83.144 is usual", kilojoule, thermal.MinActivation/1000, thermal.MaxActivation/1000)
	}
	return int64(j), nil
}

func findProfile(name string) (thermal.Profile, error) {
	p, err := thermal.Named(name)
	if err == nil {
		return p, nil
	}
	f, openErr := os.Open(name)
	if errors.Is(openErr, os.ErrNotExist) && !strings.ContainsAny(name, "./") {
		return p, usageError{fmt.Errorf("--%w, or a file", err)}
	}
	if openErr != nil {
		return p, fmt.Errorf("--profile: %w", openErr)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, thermal.MaxFile+1))
	if err != nil {
		return p, fmt.Errorf("--profile: %w", err)
	}
	if len(b) > thermal.MaxFile {
		return p, fmt.Errorf("--profile %s: more than %d bytes: is this a profile?", name, thermal.MaxFile)
	}
	if !strings.HasSuffix(name, ".json") { // YAML, which JSON is too
		if b, err = yaml.YAMLToJSON(b); err != nil {
			return p, fmt.Errorf("--profile %s: %w", name, err)
		}
	}
	if p, err = thermal.ParseProfile(b); err != nil {
		return p, fmt.Errorf("--profile %s: %w", name, err)
	}
	return p, nil
}

func parseSpent(of []string) ([]thermal.Spent, error) {
	var out []thermal.Spent
	for _, s := range of {
		name, d, ok := strings.Cut(s, "=")
		ms, err := thermal.ParseDuration(d)
		if !ok || err != nil {
			return nil, fmt.Errorf("--spent %q: want BUDGET=DURATION, such as room=18h", s)
		}
		out = append(out, thermal.Spent{Budget: name, Duration: ms})
	}
	return out, nil
}

func judgeSeries(p *thermal.Profile, s *series, spent []thermal.Spent) (*judged, error) {
	out := &judged{Rules: *p, Input: judgedInput{Lines: s.Lines, Header: s.Header, Skipped: s.Skipped}}
	samples := make([]thermal.Sample, len(s.rows))
	for i, r := range s.rows {
		v := r.celsius * 1000
		if math.Abs(v-math.Round(v)) > 1e-6 {
			out.Input.Rounded++
		}
		samples[i] = thermal.Sample{At: r.at, Value: thermal.Temp(math.Round(v))}
	}
	s.rows = nil
	out.Input.Unsorted = thermal.Sort(samples, func(s thermal.Sample) int64 { return s.At })
	out.Input.Differing, out.Input.Widest = differing(samples, func(s thermal.Sample) (int64, float64) { return s.At, s.Value.Celsius() })
	samples, out.Input.Duplicates = thermal.Average(samples)
	first, last := samples[0].At, samples[len(samples)-1].At
	for i := 1; i < len(samples); i++ {
		out.Input.Longest = max(out.Input.Longest, samples[i].At-samples[i-1].At)
	}
	out.Input.Readings, out.Input.First, out.Input.Last = len(samples), rfc3339(first), rfc3339(last)
	var err error
	out.Verdict, err = thermal.Evaluate(p, &thermal.History{From: first, To: last, Stretches: []thermal.Stretch{{From: first, To: last, Samples: samples}}}, spent...)
	return out, err
}

// differing counts the instants at which readings in order of time disagree,
// and says by how many kelvin at most: their mean may be in range where one of
// them was not.
func differing[T any](of []T, at func(T) (int64, float64)) (instants int, widest float64) {
	for i := 0; i < len(of); {
		t, low := at(of[i])
		high := low
		for i++; i < len(of); i++ {
			u, v := at(of[i])
			if u != t {
				break
			}
			low, high = min(low, v), max(high, v)
		}
		if high > low {
			instants, widest = instants+1, max(widest, ninth(high-low))
		}
	}
	return instants, widest
}

func rfc3339(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// millis writes a duration as people do: "1h30m".
func millis(ms int64) string {
	s := (time.Duration(ms) * time.Millisecond).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func listProfiles(w io.Writer, asJSON bool) error {
	all := thermal.Ready()
	if asJSON {
		return printJSON(w, all)
	}
	t := table{heads: []string{"PROFILE", "NAME", "LONGEST GAP", "BROKEN BY"}}
	for _, p := range all {
		var rules []string
		for _, l := range p.Limits {
			rule := string(l.Op) + " " + l.At.String()
			if l.Delay > 0 {
				rule += " for " + millis(l.Delay)
			}
			if l.Timer == thermal.Cumulative {
				rule += " in all"
			}
			if l.Severity == thermal.Warning {
				rule += " (warning)"
			}
			rules = append(rules, rule)
		}
		if m := p.MKT; m != nil {
			rules = append(rules, "MKT "+string(m.Op)+" "+m.Limit.String()+" over "+strconv.FormatInt(m.Window/3_600_000, 10)+"h")
		}
		t.add(p.ID, p.Name, millis(p.LongestGap), strings.Join(rules, ", "))
	}
	return t.print(w)
}
