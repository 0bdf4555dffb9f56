package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"frostline/proto/thermal"
)

func init() { more = append(more, mktCommand) }

func mktCommand(o *options) *cobra.Command {
	var gap string
	var deltaH float64
	var weights bool
	cmd := &cobra.Command{
		Use:   "mkt [FILE.csv]",
		Short: "Work out the mean kinetic temperature of a series",
		Long: `mkt works out the mean kinetic temperature

  Tk = K / (-ln(sum of w*exp(-K/T) / sum of w)),   K = dH/R,   T in kelvin

with dH/R = 10000 K unless --delta-h says otherwise. It needs no hub.

Lines of time,celsius are weighted by time, the trapezoid rule between readings;
readings of one instant are averaged first and lines may come in any order. A
gap splits the integral: it adds neither time nor temperature, and is reported.
What is a gap, --gap says; without it, an interval longer than 4 hours and than
four times the usual one. Lines of one value and no time are weighted equally,
and with --weights the first column is a weight, such as hours.

How lines are written, frostline thermal --help says.`,
		Example: `  frostline mkt box-7.csv
  frostline mkt --json --delta-h 119 box-7.csv
  printf '14\n5\n5\n5\n' | frostline mkt
  printf '6,14\n18,5\n' | frostline mkt --weights`,
		Args: args(0, 1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			joule, err := activation(deltaH)
			if err != nil {
				return usageError{err}
			}
			var longest int64
			if gap != "" {
				if longest, err = thermal.ParseDuration(gap); err == nil && longest == 0 {
					err = errors.New("0: want more than none")
				}
				if err != nil {
					return usageError{fmt.Errorf("--gap %w", err)}
				}
			}
			s, err := readSeries(slices.Concat(args, []string{""})[0], cmd.InOrStdin(), weights)
			if err != nil {
				return err
			}
			out, err := meanKinetic(s, weights, longest, joule)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), out)
			}
			return out.print(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&gap, "gap", "", "the longest time between readings that is no gap, such as 30m")
	f.Float64Var(&deltaH, "delta-h", thermal.DefaultActivation/1000.0, "activation enthalpy in kJ/mol")
	f.BoolVar(&weights, "weights", false, "the first column is a weight, such as hours")
	return cmd
}

// mktAnswer is what mkt prints.
type mktAnswer struct {
	MKT        float64  `json:"mkt_c"`
	Mean       float64  `json:"mean_c"`
	Method     string   `json:"method"`
	Weights    string   `json:"weights"` // equal, given or time
	N          int      `json:"n"`       // readings, after averaging
	DeltaH     float64  `json:"delta_h_kj_per_mol"`
	Gas        float64  `json:"r_kj_per_mol_k"`
	K          float64  `json:"delta_h_over_r_k"`
	Kelvin     float64  `json:"kelvin_offset"`
	Engine     string   `json:"engine"`
	Lines      int      `json:"lines"`
	Skipped    int      `json:"skipped"`
	Timed      *mktTime `json:"time,omitempty"`
	Duplicates int      `json:"duplicates_averaged"`
	Differing  int      `json:"duplicates_that_differ"` // instants with readings of several temperatures
	Widest     float64  `json:"widest_difference_k"`
	Unsorted   int      `json:"unsorted"`
	Gaps       []mktGap `json:"gaps"`
}

type mktTime struct {
	From      string  `json:"from"`
	To        string  `json:"to"`
	Monitored float64 `json:"monitored_s"`
	Missing   float64 `json:"gaps_s"`
	Longest   float64 `json:"longest_gap_allowed_s"`
}

type mktGap struct {
	From    string  `json:"from"`
	To      string  `json:"to"`
	Seconds float64 `json:"seconds"`
}

func meanKinetic(s *series, weighted bool, longest, joule int64) (*mktAnswer, error) {
	out := &mktAnswer{Weights: "equal", Method: "Tk = K/(-ln(sum(w*exp(-K/T))/sum(w))), log-sum-exp", DeltaH: float64(joule) / 1000, Gas: thermal.Gas / 1000,
		K: float64(joule*10_000) / thermal.DefaultActivation, Kelvin: thermal.Kelvin, Engine: thermal.EngineVersion, N: len(s.rows), Lines: s.Lines, Skipped: s.Skipped, Gaps: []mktGap{}}
	if !s.Timed {
		celsius, weights := make([]float64, len(s.rows)), []float64(nil)
		for i, r := range s.rows {
			celsius[i] = r.celsius
			if weighted {
				weights, out.Weights = append(weights, r.weight), "given"
			}
		}
		tk, mean, err := thermal.KineticMean(celsius, weights, float64(joule))
		out.MKT, out.Mean = ninth(tk), ninth(mean)
		return out, err
	}
	points := make([]thermal.Point, len(s.rows))
	for i, r := range s.rows {
		points[i] = thermal.Point{At: r.at, Celsius: r.celsius}
	}
	out.Unsorted = thermal.Sort(points, func(p thermal.Point) int64 { return p.At })
	out.Differing, out.Widest = differing(points, func(p thermal.Point) (int64, float64) { return p.At, p.Celsius })
	if longest == 0 {
		longest = usualGap(points)
	}
	k, err := thermal.KineticOf(points, longest, float64(joule))
	if err != nil {
		return nil, err
	}
	out.MKT, out.Mean, out.N, out.Duplicates = ninth(k.Celsius), ninth(k.Mean), k.Points, k.Duplicates
	out.Weights, out.Method = "time", "Tk = K/(-ln(integral of exp(-K/T) over time / time)), trapezoid rule, gaps neither bridged nor dropped"
	out.Timed = &mktTime{From: rfc3339(k.From), To: rfc3339(k.To), Monitored: float64(k.Monitored) / 1000, Missing: float64(k.To-k.From-k.Monitored) / 1000, Longest: float64(longest) / 1000}
	for _, g := range k.Gaps {
		out.Gaps = append(out.Gaps, mktGap{rfc3339(g.From), rfc3339(g.To), float64(g.To-g.From) / 1000})
	}
	return out, nil
}

// usualGap is what counts as monitored where nobody says: 4 hours, or four
// times the median interval of a series that is sparser. Points are sorted.
func usualGap(points []thermal.Point) int64 {
	var steps []int64
	for i := 1; i < len(points); i++ {
		if d := points[i].At - points[i-1].At; d > 0 {
			steps = append(steps, d)
		}
	}
	least := int64(4 * 3_600_000)
	if len(steps) == 0 {
		return least
	}
	slices.Sort(steps)
	return max(least, 4*steps[len(steps)/2])
}

// ninth rounds to a billionth of a degree, below which floating point is noise.
func ninth(x float64) float64 { return math.Round(x*1e9)/1e9 + 0 } // and no -0

func (a *mktAnswer) print(w io.Writer) error {
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) }
	short := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	how := "equal weights"
	switch {
	case a.Weights == "given":
		how = "the weights given"
	case a.Timed != nil:
		how = "time weighted, " + a.Timed.From + " to " + a.Timed.To + "; longest gap " + millis(int64(a.Timed.Longest*1000))
	}
	if _, err := fmt.Fprintf(w, "mean kinetic temperature %s °C, mean %s °C, of %d readings (%s)\nΔH %s kJ/mol, R %s kJ/(mol·K), ΔH/R %s K, 0 °C = %s K, engine %s; %s\n",
		number(a.MKT), number(a.Mean), a.N, how, short(a.DeltaH), short(a.Gas), short(a.K), short(a.Kelvin), a.Engine, a.Method); err != nil {
		return err
	}
	if a.Duplicates+a.Unsorted+a.Skipped > 0 {
		if _, err := fmt.Fprintf(w, "%d readings shared an instant and were averaged, %d came out of order, %d were skipped\n", a.Duplicates, a.Unsorted, a.Skipped); err != nil {
			return err
		}
	}
	if a.Differing > 0 {
		if _, err := fmt.Fprintf(w, "at %d instants readings differ, by up to %s K\n", a.Differing, number(a.Widest)); err != nil {
			return err
		}
	}
	for _, g := range a.Gaps {
		if _, err := fmt.Fprintf(w, "gap from %s to %s, neither bridged nor counted\n", g.From, g.To); err != nil {
			return err
		}
	}
	return nil
}
