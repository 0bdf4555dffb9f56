package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"frostline/hub/api"
)

func accountCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "account",
		Short: "Say whether every reading is accounted for",
		Long: `account lists for each gateway and epoch, in readings: what the gateway says it
produced, what is committed here, what still waits there, and what it declared
lost. It adds up when

  produced = committed + pending + declared gaps

and ends with status 1 if one does not.`,
		Example: `  frostline account
  frostline account --json | jq '.[] | select(.adds_up | not)'`,
		Args: args(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			as, err := hub.Accounts(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				err = printJSON(c.OutOrStdout(), as)
			} else {
				err = printAccounts(c.OutOrStdout(), as)
			}
			for _, a := range as {
				if err == nil && !a.AddsUp {
					return errQuiet
				}
			}
			return err
		},
	}
}

func printAccounts(w io.Writer, as []api.Account) error {
	if len(as) == 0 {
		_, err := fmt.Fprintln(w, "No gateway has sent anything yet, so there is nothing to account for.")
		return err
	}
	t := table{heads: []string{"GATEWAY", "EPOCH", "PRODUCED", "COMMITTED", "PENDING", "GAPS", "ADDS UP", "BLOCKS", "HOLES", "QUARANTINED"},
		right: []bool{false, true, true, true, true, true, false, true, true, true}}
	for _, a := range as {
		adds := "yes"
		switch {
		case a.AddsUp:
		case a.Difference < 0:
			adds = "NO, " + count(uint64(-a.Difference)) + " missing"
		case a.Difference > 0:
			adds = "NO, " + count(uint64(a.Difference)) + " too many"
		default:
			adds = "NO"
		}
		t.add(a.Gateway, fmt.Sprint(a.Epoch), count(a.Produced), count(a.Committed), count(a.Pending), count(a.Gaps), adds,
			count(a.Through)+" of "+count(a.Last), fmt.Sprint(a.Holes), count(a.Quarantined))
	}
	if err := t.print(w); err != nil {
		return err
	}
	for _, a := range as {
		if a.Note != "" {
			fmt.Fprintf(w, "%s, epoch %d: %s\n", a.Gateway, a.Epoch, a.Note)
		}
	}
	return nil
}
