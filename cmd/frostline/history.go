package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"frostline/hub/view"
)

func historyCommand(o *options) *cobra.Command {
	var from, to, format string
	cmd := &cobra.Command{
		Use:   "history SENSOR",
		Short: "Print what a sensor measured, as CSV or JSON",
		Long: `history prints every dated reading of a sensor from a time to another, oldest
first, with its quality and how sure its time is. SENSOR is GATEWAY/SENSOR for
all that the sensor measures, or GATEWAY/SENSOR/QUANTITY.

Times are RFC 3339 (2026-09-14T06:00:00Z), a day in UTC (2026-09-14), "now", or
a length of time before now (-2h, -90m, -7d). --json prints one JSON object a
line. Readings that no clock source has dated are not printed; how many there
are is said on standard error.`,
		Example: `  frostline history site-1/zone-a-air/temperature --from -2h > zone-a.csv
  frostline history van-14/box-1 --from 2026-09-14 --to 2026-09-15T12:00:00Z
  frostline history van-14/box-1/temperature --json | jq 'select(.quality != "ok")'`,
		Args: args(1, 1, "one sensor"),
		RunE: func(c *cobra.Command, args []string) error {
			if _, _, _, err := view.ParseSensor(args[0]); err != nil {
				return usageError{err}
			}
			now := time.Now()
			begin, err1 := parseTime(from, now)
			end, err2 := parseTime(to, now)
			if err := errors.Join(wrap("--from", err1), wrap("--to", err2)); err != nil {
				return usageError{err}
			}
			if !begin.Before(end) {
				return usageError{fmt.Errorf("--from %s is not before --to %s", from, to)}
			}
			if format != "csv" && format != "json" {
				return usageError{fmt.Errorf("--format %q: want csv or json", format)}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			undated, err := hub.History(c.Context(), c.OutOrStdout(), args[0], begin, end, o.json || format == "json")
			if undated > 0 {
				fmt.Fprintf(c.ErrOrStderr(), "frostline: besides, %s readings of %s cannot be dated: the gateway had no source of time then\n", count(undated), args[0])
			}
			return err
		},
	}
	cmd.Flags().StringVar(&from, "from", "-1h", "the first time")
	cmd.Flags().StringVar(&to, "to", "now", "the time before which to end")
	cmd.Flags().StringVar(&format, "format", "csv", "csv, or json for one object a line")
	return cmd
}

func wrap(flag string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %w", flag, err)
}

// parseTime reads a time as people give it on a command line.
func parseTime(s string, now time.Time) (time.Time, error) {
	if s == "now" {
		return now, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		if days, ok := strings.CutSuffix(rest, "d"); ok {
			if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36_500 {
				return now.AddDate(0, 0, -n), nil
			}
		}
		if d, err := time.ParseDuration(rest); err == nil && d >= 0 {
			return now.Add(-d), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: want for example 2026-09-14T06:00:00Z, 2026-09-14, now or -2h", s)
}
