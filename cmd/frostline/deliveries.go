package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/hub/dispatch/risk"
)

func deliveriesCommand(o *options) *cobra.Command {
	var courier string
	var limit int
	cmd := &cobra.Command{
		Use: "deliveries", Short: "List deliveries by the time that is left until a limit", Args: args(0, 0, "no arguments"),
		Long: `deliveries lists those that are planned and under way, most urgent first: when a
limit or the end of a stability budget comes, against when the courier will have
handed over. All of it are estimates, with their intervals; what is not known is
said.`,
		Example: "  frostline deliveries --courier van-1",
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 || limit > 5000 {
				return usageError{fmt.Errorf("--limit %d: want 1 to 5000", limit)}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			all, more, err := hub.AtRisk(c.Context(), courier, limit)
			if err != nil {
				return err
			}
			if more > 0 {
				fmt.Fprintf(c.ErrOrStderr(), "%d less urgent deliveries are not listed: see --limit\n", more)
			}
			if o.json {
				return printJSON(c.OutOrStdout(), append([]api.DeliveryAtRisk{}, all...))
			}
			t := table{heads: []string{"SHIPMENT", "STANDS", "TEMPERATURE", "COURIER", "ROUTE", "STOP", "HOW"}, right: []bool{false, false, true}}
			for _, d := range all {
				temperature := "–"
				if d.Load != nil && d.Load.Temperature != nil {
					temperature = risk.Degrees(*d.Load.Temperature)
				}
				t.add(d.Shipment, d.Class.Words(), temperature, d.Courier, d.Route, d.Stop, d.Says)
			}
			return t.print(c.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&courier, "courier", "", "only those of this courier")
	cmd.Flags().IntVar(&limit, "limit", 100, "how many to show at most")
	return cmd
}
