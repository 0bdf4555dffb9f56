package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/hub/view"
)

func init() { more = append(more, notificationsCommand) }

func notificationsCommand(o *options) *cobra.Command {
	state := ""
	cmd := &cobra.Command{
		Use:   "notifications",
		Short: "Say who could not be told of excursions, and try again",
		Long: `notifications lists deliveries of e-mail and webhooks: those that were given up
(failed), unless another state is asked for. These are parked until somebody has
them tried again. It ends with status 1 while any is listed as failed.`,
		Example: "  frostline notifications\n  frostline notifications --state pending\n  frostline notifications retry --all",
		Args:    args(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if state != "failed" && state != "pending" && state != "sent" {
				return usageError{fmt.Errorf("--state %q: want failed, pending or sent", state)}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			all, err := hub.Notifications(c.Context(), state)
			if err != nil {
				return err
			}
			if o.json {
				err = printJSON(c.OutOrStdout(), all)
			} else {
				err = printNotifications(c.OutOrStdout(), state, all)
			}
			if err == nil && state == "failed" && len(all) > 0 {
				return errQuiet
			}
			return err
		},
	}
	cmd.Flags().StringVar(&state, "state", "failed", "failed, pending or sent")
	cmd.AddCommand(retryNotifications(o))
	return cmd
}

func retryNotifications(o *options) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:     "retry [ID...]",
		Short:   "Have deliveries that were given up tried again, under their ids",
		Example: "  frostline notifications retry msg_6b1f0c9b7d3e4f5a8c2d1e0f9a8b7c6d\n  frostline notifications retry --all",
		RunE: func(c *cobra.Command, ids []string) error {
			if all != (len(ids) == 0) {
				return usageError{errors.New("want ids of deliveries, or --all; frostline notifications lists them")}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			if all {
				failed, err := hub.Notifications(c.Context(), "failed")
				if err != nil {
					return err
				}
				for _, d := range failed {
					ids = append(ids, d.ID)
				}
			}
			for i, id := range ids {
				if err := hub.RetryNotification(c.Context(), id); err != nil {
					return fmt.Errorf("retry %s: %w; %d others are tried again", id, err, i)
				}
			}
			if o.json {
				return printJSON(c.OutOrStdout(), map[string]int{"retried": len(ids)})
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%d deliveries are tried again; frostline notifications shows those that fail once more\n", len(ids))
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all that were given up")
	return cmd
}

func printNotifications(w io.Writer, state string, all []api.Notification) error {
	if len(all) == 0 {
		_, err := fmt.Fprintf(w, "no delivery is %s\n", state)
		return err
	}
	t := table{heads: []string{"ID", "TO", "WHAT", "ATTEMPTS", "SINCE", "LAST ERROR"}, right: []bool{false, false, false, true}}
	for _, d := range all {
		t.add(d.ID, d.Channel+" "+d.Recipient, oneLine(d.Subject), strconv.Itoa(d.Attempts), view.Moment(d.Created)+" "+view.Zone, oneLine(d.Error))
	}
	return t.print(w)
}
