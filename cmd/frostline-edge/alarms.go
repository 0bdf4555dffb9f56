package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"frostline/edge/panel"
)

func alarmsCommand(o *options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "alarms",
		Short: "Show the alarms of the running agent, or acknowledge one",
		Long: `alarms asks the running agent what it alarms of: what is watched and out of its
range, and what it cannot tell because a sensor is silent or bad. An alarm stays
until its cause is over and somebody has acknowledged it.`,
		Example: "  frostline-edge alarms\n  frostline-edge alarms ack k3f9 --reason \"door was open for loading\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := o.dir()
			if err != nil {
				return err
			}
			s, err := panel.NewClient(dir).Status(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(s.Guard)
			}
			return panel.WriteAlarms(cmd.OutOrStdout(), s)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, with how all that is watched stands")
	cmd.AddCommand(alarmsAckCommand(o))
	return cmd
}

func alarmsAckCommand(o *options) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "ack ID|all",
		Short: "Say that an alarm was seen, and why it came or what was done",
		Long: `ack silences an alarm and puts the acknowledgement with its reason into the
gateway's chain. The id may be shortened. The reason goes to the hub and into the
evidence: name no patient in it.`,
		Example: "  frostline-edge alarms ack k3f9 --reason \"door was open for loading\"\n  frostline-edge alarms ack all --reason \"cooling runs again\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := o.dir()
			if err != nil {
				return err
			}
			ids, err := panel.NewClient(dir).Acknowledge(cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "acknowledged %s\n", strings.Join(ids, ", "))
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why it came, or what was done, 3 to 200 characters")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}
