package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/hub/view"
)

func gatewaysCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "gateways [GATEWAY]",
		Short: "List all gateways, or the sensors of one",
		Long: `gateways lists all gateways that were ever enrolled: whether they are connected,
when they were last heard, what is committed and what still waits there. With a
gateway it lists that one's sensors with their newest values.`,
		Example: `  frostline gateways
  frostline gateways site-1
  frostline gateways --json | jq '.[] | select(.link != "online") | .gateway'`,
		Args: args(0, 1, "at most one gateway"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			gs, err := hub.Gateways(c.Context())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				if o.json {
					return printJSON(c.OutOrStdout(), gs)
				}
				return printGateways(c.OutOrStdout(), gs)
			}
			i := slices.IndexFunc(gs, func(g api.Gateway) bool { return g.Gateway == args[0] })
			if i < 0 {
				return fmt.Errorf("gateway %q is not known; frostline gateways lists those that are", args[0])
			}
			if o.json {
				return printJSON(c.OutOrStdout(), gs[i])
			}
			return printSensors(c.OutOrStdout(), gs[i])
		},
	}
}

func printGateways(w io.Writer, gs []api.Gateway) error {
	if len(gs) == 0 {
		_, err := fmt.Fprintln(w, "No gateway is enrolled yet. Make a one-time code for one with: frostline enrol GATEWAY")
		return err
	}
	t := table{heads: []string{"GATEWAY", "LINK", "HEARD", "VERSION", "COMMITTED", "WAITING", "CLOCK", "SENSORS"}, right: []bool{false, false, true, false, true, true}}
	configured := slices.ContainsFunc(gs, func(g api.Gateway) bool { return g.Config.Wanted != 0 || g.Config.Running != 0 })
	if configured {
		t.heads = append(t.heads, "CONFIGURATION")
	}
	alarmed := slices.ContainsFunc(gs, func(g api.Gateway) bool { return alarmsWord(g) != "" })
	if alarmed {
		t.heads = append(t.heads, "ALARMS")
	}
	for _, g := range gs {
		waiting := count(g.PendingReadings)
		if g.Link != string(view.Online) && g.Heard != "" {
			// What it has kept since, nobody here knows.
			if waiting += " or more"; g.PendingReadings == 0 {
				waiting = "not known"
			}
		}
		cells := []string{g.Gateway, strings.ReplaceAll(g.Link, "-", " "), ago(g.Heard), cmp.Or(g.Version, "–"), count(g.Committed), waiting, clockWord(g), sensorsWord(g)}
		if configured {
			cells = append(cells, g.Config.Word)
		}
		if alarmed {
			cells = append(cells, alarmsWord(g))
		}
		t.add(cells...)
	}
	return t.print(w)
}

// alarmsWord counts the alarms that are not over.
func alarmsWord(g api.Gateway) string {
	var active, waiting int
	for _, a := range g.Alarms {
		if a.Active {
			active++
		}
		if !a.Acknowledged {
			waiting++
		}
	}
	var parts []string
	if active > 0 {
		parts = append(parts, fmt.Sprintf("%d going on", active))
	}
	if waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d not acknowledged", waiting))
	}
	return strings.Join(parts, ", ")
}

func clockWord(g api.Gateway) string {
	switch {
	case g.Heard == "":
		return "–"
	case !g.Clock.Dated:
		return "no source yet"
	case g.Clock.Conflict:
		return view.Uncertain(g.Clock.UncertaintyMs) + ", sources contradict"
	}
	word := view.Uncertain(g.Clock.UncertaintyMs) + " by " + g.Clock.Source
	if len(g.Clock.Left) > 0 {
		word += ", " + strings.Join(g.Clock.Left, " and ") + " is off"
	}
	return word
}

// sensorsWord counts sensors by the worst state of their channels.
func sensorsWord(g api.Gateway) string {
	order := []view.State{view.NotOK, view.Silent, view.Undated, view.Live}
	words := map[view.State]string{view.NotOK: "not ok", view.Silent: "silent", view.Undated: "time unknown", view.Live: "live"}
	n := map[view.State]int{}
	for _, s := range g.Sensors {
		worst := len(order)
		for _, c := range s.Channels {
			if c.Current {
				worst = min(worst, slices.Index(order, c.State))
			}
		}
		if worst < len(order) {
			n[order[worst]]++
		}
	}
	var parts []string
	for _, s := range slices.Backward(order) {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], words[s]))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func printSensors(w io.Writer, g api.Gateway) error {
	fmt.Fprintf(w, "%s is %s, heard %s\n", g.Gateway, strings.ReplaceAll(g.Link, "-", " "), ago(g.Heard))
	if j := g.Journal; j.MaxBytes > 0 {
		left := ""
		if j.HoursLeft != nil {
			left = fmt.Sprintf(", room for %s hours if nothing is acknowledged", count(uint64(*j.HoursLeft)))
		}
		fmt.Fprintf(w, "its journal is %d %% full of what is not acknowledged%s\n", j.FullPercent, left)
	}
	if c := g.Config; c.Wanted != 0 || c.Running != 0 {
		fmt.Fprintln(w, "its configuration is "+c.Word)
	}
	for _, a := range g.Alarms {
		at := "told " + moment(a.Told)
		if a.Raised != "" {
			at = moment(a.Raised)
		}
		fmt.Fprintf(w, "alarm %s %s: %s\n", a.Alarm, at, a.Says)
	}
	for _, f := range g.Faults {
		fmt.Fprintf(w, "fault %s: %s: %s\n", moment(f.At), f.Part, f.Detail)
	}
	if len(g.Sensors) == 0 {
		_, err := fmt.Fprintln(w, "It has declared no sensors yet.")
		return err
	}
	fmt.Fprintln(w)
	t := table{heads: []string{"SENSOR", "QUANTITY", "VALUE", "STATE", "TAKEN", "EVERY", "MODEL"}, right: []bool{false, false, true, false, true, true}}
	for _, s := range g.Sensors {
		for _, c := range s.Channels {
			value, taken := "–", "never"
			if l := c.Latest; l != nil {
				if l.Value != "" {
					value = strings.TrimSpace(l.Value.String() + " " + l.Unit)
				}
				taken = "time unknown"
				if l.Time != "" {
					taken = ago(l.Time)
				}
			}
			word := c.Word
			if !c.Current {
				word = "no longer configured"
			}
			t.add(s.Sensor, c.Quantity, value, word, taken, (time.Duration(c.IntervalMs) * time.Millisecond).String(), s.Model)
		}
	}
	return t.print(w)
}
