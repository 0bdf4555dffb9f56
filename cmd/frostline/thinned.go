package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func init() { more = append(more, thinnedCommand) }

func thinnedCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "thinned GATEWAY",
		Short: "Tell what remains of readings that a full journal gave up",
		Long: `thinned lists, for the readings that a gateway gave up because its journal was
full, how many they were and the least, mean and greatest of them. These are no
readings: the time they cover is a gap, for a package it is unknown, and account
counts it as such.`,
		Example: "  frostline thinned van-1",
		Args:    args(1, 1, "a gateway"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			list, err := hub.Thinned(c.Context(), args[0])
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), list)
			}
			if len(list) == 0 {
				_, err := fmt.Fprintf(c.OutOrStdout(), "%s has thinned nothing.\n", args[0])
				return err
			}
			t := table{heads: []string{"SENSOR", "QUANTITY", "FROM", "TO", "READINGS", "LEAST", "MEAN", "GREATEST", "UNIT", "EPOCH", "BLOCKS"},
				right: []bool{false, false, false, false, true, true, true, true, false, true, false}}
			for _, s := range list {
				from, to := "time unknown", ""
				if s.From != "" {
					from, to = moment(s.From), moment(s.To)
				}
				t.add(s.Sensor, s.Quantity, from, to, count(s.Count), s.Min, s.Mean, s.Max, s.Unit, fmt.Sprint(s.Epoch), fmt.Sprintf("%d to %d", s.First, s.Last))
			}
			return t.print(c.OutOrStdout())
		},
	}
}
