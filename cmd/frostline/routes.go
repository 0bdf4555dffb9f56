package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/hub/dispatch"
	"frostline/hub/dispatch/propose"
	"frostline/hub/view"
)

func init() { more = append(more, routesCommand, deliveriesCommand) }

func routesCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "routes",
		Short: "Show the routes of couriers, and order their stops",
		Long: `routes shows couriers' routes and what their stops have come to. propose looks
for a better order of the stops that have not ended; it changes nothing. order
has them made in another order.`,
		Example: `  frostline routes list
  frostline routes propose R-7
  frostline routes order R-7 s3 s1 s2 --revision 4 --reason "thermal margin"`,
		Args: args(0, 0, "a command"),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(routesListCommand(o), routesShowCommand(o), routesProposeCommand(o), routesOrderCommand(o))
	return cmd
}

func routesListCommand(o *options) *cobra.Command {
	var courier string
	var limit int
	var ended bool
	cmd := &cobra.Command{
		Use: "list", Short: "List routes that have not ended", Args: args(0, 0, "no arguments"),
		Example: "  frostline routes list --courier van-1",
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 || limit > 100_000 {
				return usageError{fmt.Errorf("--limit %d: want 1 to 100000", limit)}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			all, more, err := hub.Routes(c.Context(), courier, limit)
			if err != nil {
				return err
			}
			shown := []api.Route{}
			for _, r := range all {
				if ended || r.Status != "ended" && r.Status != "cancelled" {
					shown = append(shown, r)
				}
			}
			if more {
				fmt.Fprintf(c.ErrOrStderr(), "only the first %d routes were looked at: see --limit\n", limit)
			}
			if o.json {
				return printJSON(c.OutOrStdout(), shown)
			}
			t := table{heads: []string{"ROUTE", "COURIER", "STATUS", "STOPS", "DONE", "NEXT", "REVISION"}, right: []bool{false, false, false, true, true, false, true}}
			for _, r := range shown {
				next, done := "–", 0
				for _, v := range r.Visits {
					if v.Ended() {
						done++
					} else if next == "–" {
						next = v.ID
					}
				}
				t.add(r.ID, r.Courier, r.Status, strconv.Itoa(len(r.Visits)), strconv.Itoa(done), next, strconv.FormatInt(r.Revision, 10))
			}
			return t.print(c.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&courier, "courier", "", "only those of this courier")
	cmd.Flags().BoolVar(&ended, "all", false, "those that have ended too")
	cmd.Flags().IntVar(&limit, "limit", 1000, "how many to look at, at most")
	return cmd
}

func routesShowCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "show ROUTE", Short: "Show a route and what its stops have come to", Args: args(1, 1, "one route"),
		Example: "  frostline routes show R-7",
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			r, err := hub.Route(c.Context(), args[0])
			if err != nil {
				return err
			}
			return showRoute(c.OutOrStdout(), o, r)
		},
	}
}

func showRoute(w io.Writer, o *options, r api.Route) error {
	if o.json {
		return printJSON(w, r)
	}
	fmt.Fprintf(w, "route %s of %s is %s, revision %d\n", r.ID, r.Courier, r.Status, r.Revision)
	t := table{heads: []string{"PLACE", "STOP", "KIND", "JOB", "STATE", "WHEN", "PLANNED", "REMARK"}, right: []bool{true}}
	for i, v := range r.Visits {
		var remarks []string
		if v.Pinned {
			remarks = append(remarks, "pinned")
		}
		if v.Held {
			remarks = append(remarks, strings.TrimSuffix("held: "+v.Cause, ": "))
		}
		t.add(strconv.Itoa(i+1), v.ID, v.Kind, v.Job, v.Status, whenOf(happened(v)), whenOf(v.ETA), strings.Join(remarks, "; "))
	}
	return t.print(w)
}

// happened is when a stop came to what it is.
func happened(v dispatch.Visit) int64 {
	switch v.Status {
	case "completed", "failed":
		return v.Completed
	case "departed":
		return v.Departed
	}
	return v.Arrived
}

// whenOf is a time for people, – for none.
func whenOf(ms int64) string {
	if ms == 0 {
		return "–"
	}
	return view.Moment(ms)
}

func routesProposeCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "propose ROUTE", Short: "Look for a better order of the stops that have not ended", Args: args(1, 1, "one route"),
		Long: `propose compares the planned order with the best one found, by time windows,
payload, range and the earliest instants at which packages may get too warm, and
says what would be gained and what it would break. It changes nothing.`,
		Example: "  frostline routes propose R-7",
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			p, err := hub.Proposal(c.Context(), args[0])
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), p)
			}
			return showProposal(c.OutOrStdout(), p)
		},
	}
}

func showProposal(w io.Writer, p propose.Proposal) error {
	heads := map[propose.Advice]string{propose.Change: "another order is better", propose.Slight: "the order is fine", propose.Keep: "the order is fine", propose.None: "no order can be suggested"}
	fmt.Fprintf(w, "route %s, revision %d: %s: %s\n", p.Route, p.Revision, heads[p.Advice], p.Why)
	say := func(what string, all []string) {
		for _, s := range all {
			fmt.Fprintf(w, "%s: %s\n", what, s)
		}
	}
	breaks := func(list []propose.Break) (all []string) {
		for _, b := range list {
			all = append(all, b.Says)
		}
		return all
	}
	say("costs", p.Costs)
	say("would break", breaks(p.Breaks))
	say("as planned", breaks(p.Mends))
	say("in any order found", breaks(p.Remain))
	if p.Advice == propose.Change {
		t := table{heads: []string{"PLACE", "WAS", "STOP", "COMES", "WAS", "WHY"}, right: []bool{true, true}}
		for _, s := range p.Stops {
			var why []string
			for _, r := range s.Reasons {
				why = append(why, map[bool]string{true: "+ ", false: "- "}[r.Good]+r.Says)
			}
			t.add(strconv.Itoa(s.Place), strconv.Itoa(s.PlaceWas), s.ID, whenOf(s.Arrive), whenOf(s.ArriveWas), strings.Join(why, "; "))
		}
		if err := t.print(w); err != nil {
			return err
		}
	}
	if p.Estimated {
		fmt.Fprintln(w, "note: ways are estimated: nobody looked at a map")
	}
	for _, n := range p.Notes {
		fmt.Fprintln(w, "note:", n.Text)
	}
	if p.Advice == propose.Change {
		fmt.Fprintf(w, "to apply it: frostline routes order %s %s --revision %d\n", p.Route, strings.Join(p.Order, " "), p.Revision)
	}
	return nil
}

func routesOrderCommand(o *options) *cobra.Command {
	var revision int64
	var reason string
	cmd := &cobra.Command{
		Use: "order ROUTE STOP…", Short: "Make the stops of a route in another order", Args: args(2, 501, "a route, and all its stops that have not ended"),
		Long: `order has the stops of a route that have not ended made in the order in which
they are named. With --revision it is refused where the route has changed since.`,
		Example: `  frostline routes order R-7 s3 s1 s2 --revision 4 --reason "thermal margin"`,
		RunE: func(c *cobra.Command, args []string) error {
			if revision < 0 {
				return usageError{fmt.Errorf("--revision %d: want that of the route, as list and propose show it", revision)}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			r, err := hub.OrderStops(c.Context(), args[0], args[1:], revision, reason)
			if err != nil {
				return err
			}
			return showRoute(c.OutOrStdout(), o, r)
		},
	}
	cmd.Flags().Int64Var(&revision, "revision", 0, "of the route that this is for; 0 stands for any")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the trail")
	return cmd
}
