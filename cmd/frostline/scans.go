package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"frostline/hub/api"
)

func init() { more = append(more, scansCommand) }

func scansCommand(o *options) *cobra.Command {
	var state string
	var limit int
	cmd := &cobra.Command{
		Use:   "scans [GATEWAY]",
		Short: "Show what was scanned at gateways, and what became of it",
		Long: `scans lists what gateways tell of packages that were scanned there, the last
received first. One that no anchor dates yet is undated and waits; one that speaks
of something unknown is set aside until that is entered, see "frostline
import".`,
		Example: "  frostline scans\n  frostline scans van-1 --state undated",
		Args:    args(0, 1, "at most one gateway"),
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 1 || limit > 10_000 {
				return usageError{fmt.Errorf("--limit %d: want 1 to 10000", limit)}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			gateway := ""
			if len(args) == 1 {
				gateway = args[0]
			}
			list, err := hub.GatewayScans(c.Context(), gateway, state, limit)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), list)
			}
			t := table{heads: []string{"GATEWAY", "SCAN", "TIME", "STATE", "SAYS"}}
			for _, s := range list {
				t.add(s.Gateway, s.ID, scanTime(s), scanState(s), scanSays(s))
			}
			return t.print(c.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only those: undated, conflict, ahead, invalid, withdrawn, due, taken, set_aside, refused, dropped")
	cmd.Flags().IntVar(&limit, "limit", 100, "how many to show at most")
	return cmd
}

func scanTime(s api.GatewayScan) string {
	if s.At == nil {
		return "time unknown"
	}
	return time.UnixMilli(*s.At).UTC().Format("2006-01-02 15:04:05Z")
}

func scanState(s api.GatewayScan) string {
	switch {
	case s.Replaced:
		return "replaced"
	case s.Problem != "":
		return s.State + ": " + s.Problem
	}
	return s.State
}

func scanSays(s api.GatewayScan) string {
	says := s.Kind + " " + s.Value
	switch {
	case s.Withdrawn:
		return says + ": " + s.Corrects + " was a mistake"
	case s.Action == "handover":
		says += " handed over to " + s.To + " (" + s.Role + ")"
		if s.Target != "" {
			says += ", into " + s.Target
		}
	case s.Action == "detach":
		says += " taken out"
	case s.Action == "attach":
		says += " into " + s.Target
	}
	if s.Corrects != "" {
		says += ", corrects " + s.Corrects
	}
	if s.Disputed != "" {
		says += "; told otherwise in " + s.Disputed
	}
	return says
}
