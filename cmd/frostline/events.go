package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/hub/view"
)

func init() { more = append(more, eventsCommand) }

func eventsCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Say how the log of events stands, and who is behind",
		Long: `events says how many domain events the hub has, how far each consumer of them
and the relay to JetStream have come, and which events a consumer could not
handle. These are parked: nothing is lost, and "frostline events retry" has one
handled again once its cause is gone. It ends with status 1 while any is parked
or a consumer is failing.`,
		Example: "  frostline events\n  frostline events retry notify 4711",
		Args:    args(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			s, err := hub.Events(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				err = printJSON(c.OutOrStdout(), s)
			} else {
				err = printEvents(c.OutOrStdout(), s)
			}
			if err == nil && !eventsWell(s) {
				return errQuiet
			}
			return err
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use:     "retry CONSUMER POSITION",
		Short:   "Have a parked event handled once more",
		Example: "  frostline events retry notify 4711",
		Args:    args(2, 2, "a consumer and the position of an event"),
		RunE: func(c *cobra.Command, args []string) error {
			position, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil || position < 1 {
				return usageError{fmt.Errorf("position %q: want a number from 1, as frostline events shows it", args[1])}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			if err := hub.RetryEvent(c.Context(), args[0], position); err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), api.Retry{Consumer: args[0], Position: position})
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "event %d will be handled by %s again; frostline events shows whether it could\n", position, args[0])
			return err
		},
	})
	return cmd
}

func eventsWell(s api.EventsStatus) bool {
	for _, c := range s.Consumers {
		if c.Attempts > 0 {
			return false
		}
	}
	return len(s.Parked) == 0 && (s.Relay == nil || !s.Relay.On || s.Relay.Connected)
}

func printEvents(w io.Writer, s api.EventsStatus) error {
	relayed := "no relay"
	switch {
	case s.Relay == nil:
	case !s.Relay.On:
		relayed = "not published: the broker has no JetStream"
	case s.Relay.Connected:
		relayed = count(uint64(s.Waiting)) + " wait to be published"
	default:
		relayed = count(uint64(s.Waiting)) + " wait to be published; the relay is not connected: " + s.Relay.LastError
	}
	if _, err := fmt.Fprintf(w, "%s events, %d read models; %s\n", count(uint64(s.Last)), len(s.Models), relayed); err != nil {
		return err
	}
	if len(s.Consumers) > 0 {
		t := table{heads: []string{"CONSUMER", "STATE", "BEHIND", "PARKED", "FAILURES", "LAST ERROR"}, right: []bool{false, false, true, true, true}}
		for _, c := range s.Consumers {
			state := "runs"
			switch {
			case !c.Running && c.Name != "relay":
				state = "not running"
			case c.Attempts > 0:
				state = fmt.Sprintf("failing, %d in a row", c.Attempts)
			}
			t.add(c.Name, state, count(uint64(c.Behind)), count(uint64(c.Parked)), count(c.Failures), oneLine(c.LastError))
		}
		if err := t.print(w); err != nil {
			return err
		}
	}
	if len(s.Parked) == 0 {
		return nil
	}
	t := table{heads: []string{"PARKED FOR", "POSITION", "ATTEMPTS", "SINCE", "REASON"}, right: []bool{false, true, true}}
	for _, p := range s.Parked {
		t.add(p.Consumer, strconv.FormatInt(p.Position, 10), strconv.Itoa(p.Attempts), view.Moment(p.Since.UnixMilli())+" "+view.Zone, oneLine(p.Reason))
	}
	return t.print(w)
}

// oneLine is a text cut to fit a table.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 100 {
		return string(r[:99]) + "…"
	}
	return s
}
