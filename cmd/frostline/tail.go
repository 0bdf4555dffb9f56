package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/hub/view"
)

func tailCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "tail GATEWAY",
		Short: "Print a gateway's readings as they are committed",
		Long: `tail prints each reading of a gateway as soon as it is safe at the hub, until
Ctrl-C. While a backlog arrives it prints the newest reading of each sensor and
parcel, since a terminal cannot follow; history has them all. If this terminal
is too slow, the number of readings not shown is said.`,
		Example: `  frostline tail site-1
  frostline tail site-1 --json | jq 'select(.quality != "ok")'`,
		Args: args(1, 1, "one gateway"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			out := json.NewEncoder(c.OutOrStdout())
			out.SetEscapeHTML(false)
			err = hub.Tail(c.Context(), args[0], func(l api.Line) error {
				if o.json {
					return out.Encode(l)
				}
				_, err := fmt.Fprintln(c.OutOrStdout(), lineText(l))
				return err
			})
			switch {
			case c.Context().Err() != nil && errors.Is(err, context.Canceled):
				return nil // Ctrl-C is how a tail ends
			case errors.Is(err, api.ErrEnded):
				return fmt.Errorf("%w; readings go on being taken and kept at the gateway", err)
			}
			return err
		},
	}
}

// lineText is a line of a tail for people, in columns.
func lineText(l api.Line) string {
	if l.Missed > 0 {
		return fmt.Sprintf("… %s readings not shown: this reader is too slow", count(l.Missed))
	}
	at := "time unknown           "
	if l.Time != "" {
		at = strings.NewReplacer("T", " ", "Z", "").Replace(l.Time)
	}
	value := "–"
	if l.Value != "" {
		value = l.Value.String()
	}
	quality := l.Quality
	if r := (view.Calibration{Certificate: l.Calibration, State: l.CalibrationState}).Remark(); r != "" {
		quality += ", " + r
	}
	return strings.TrimRight(fmt.Sprintf("%s  %-20s  %-18s  %12s %-4s  %s", at, l.Sensor, l.Quantity, value, l.Unit, quality), " ")
}
