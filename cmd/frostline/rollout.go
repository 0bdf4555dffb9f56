package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/hub/view"
)

func init() { more = append(more, rolloutCommand) }

func rolloutCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollout",
		Short: "Bring a release to gateways, wave by wave",
		Long: `rollout has gateways run a release that was published. Each runs it on trial
until this hub has acknowledged readings under it, and goes back by itself where
that does not come about. A wave is asked when the waves before have confirmed;
failures stop the rollout, and then those who have not begun are told to leave it.`,
		Example: `  frostline rollout start v1.4.0 --wave van-1 --wave 10% --wave 100%
  frostline rollout status
  frostline rollout pause --reason "storm on the way"`,
		Args: args(0, 0, "a command"),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(rolloutStartCommand(o), rolloutStatusCommand(o),
		rolloutMoveCommand(o, "pause", "Ask no further wave", "What gateways have begun goes on."),
		rolloutMoveCommand(o, "resume", "Go on after a pause, or after failures", "Failures so far are forgiven; gateways that failed are not asked again in this\nrollout."),
		rolloutMoveCommand(o, "abort", "End a rollout for good", "Gateways that have not begun to run the release are told to leave it; those\nthat have confirmed it keep it."))
	return cmd
}

func rolloutStartCommand(o *options) *cobra.Command {
	var p api.RolloutPlan
	var soak time.Duration
	var reason string
	cmd := &cobra.Command{
		Use:   "start VERSION|ID",
		Short: "Start a rollout",
		Long: `start asks the gateways of the first wave to run a release. A wave is a number of
gateways or a percentage of all, counted with the waves before it, or names and
patterns such as "van-1,pharmacy-*". What no wave has is left out.`,
		Example: `  frostline rollout start v1.4.0
  frostline rollout start v1.4.0 --wave van-1,van-2 --wave 20% --wave 100% --soak 24h --failures 2`,
		Args: args(1, 1, "a version"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			p.Release, p.SoakMs = args[0], soak.Milliseconds()
			r, err := hub.StartRollout(c.Context(), p, reason)
			if err != nil {
				return err
			}
			return showRollout(c.OutOrStdout(), o, r, nil)
		},
	}
	cmd.Flags().StringArrayVar(&p.Waves, "wave", []string{"1", "10%", "100%"}, "a wave; repeated for each")
	cmd.Flags().IntVar(&p.Failures, "failures", 1, "gateways that fail and so stop it")
	cmd.Flags().IntVar(&p.Quorum, "quorum", 100, "percent of those asked that have to confirm before the next wave")
	cmd.Flags().DurationVar(&soak, "soak", 10*time.Minute, "time from then to the next wave")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the trail")
	return cmd
}

func rolloutStatusCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "status [NUMBER]",
		Short:   "Show how far a rollout is, the newest unless one is named",
		Example: "  frostline rollout status\n  frostline rollout status 3 --json",
		Args:    args(0, 1, "at most one number"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			r, err := rolloutOf(c, hub, args)
			if err != nil {
				return err
			}
			gateways, err := hub.RolloutGateways(c.Context(), r.ID)
			if err != nil {
				return err
			}
			return showRollout(c.OutOrStdout(), o, r, gateways)
		},
	}
}

// rolloutOf is the one that is named, or the newest.
func rolloutOf(c *cobra.Command, hub *api.Client, args []string) (api.Rollout, error) {
	if len(args) == 1 {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil || id < 1 {
			return api.Rollout{}, usageError{fmt.Errorf("rollout %q: want its number", args[0])}
		}
		return hub.Rollout(c.Context(), id)
	}
	all, err := hub.Rollouts(c.Context(), 1)
	if err != nil {
		return api.Rollout{}, err
	}
	if len(all) == 0 {
		return api.Rollout{}, fmt.Errorf("there was no rollout yet: start one with frostline rollout start VERSION")
	}
	return all[0], nil
}

func rolloutMoveCommand(o *options, word, short, long string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: word + " [NUMBER]", Short: short, Long: word + " is for the newest rollout unless one is named. " + long,
		Example: "  frostline rollout " + word + " --reason \"seen on the wall\"",
		Args:    args(0, 1, "at most one number"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			r, err := rolloutOf(c, hub, args)
			if err != nil {
				return err
			}
			if r, err = hub.MoveRollout(c.Context(), r.ID, word, reason); err != nil {
				return err
			}
			return showRollout(c.OutOrStdout(), o, r, nil)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the trail")
	return cmd
}

// rolloutShown is what --json prints.
type rolloutShown struct {
	api.Rollout
	Gateways []api.RolloutGateway `json:"gateways,omitempty"`
}

func showRollout(w io.Writer, o *options, r api.Rollout, gateways []api.RolloutGateway) error {
	if o.json {
		return printJSON(w, rolloutShown{r, gateways})
	}
	fmt.Fprintf(w, "rollout %d of %s is %s in wave %d of %d: %s\n", r.ID, r.Version, r.State, r.Wave, len(r.Waves), r.Why)
	t := table{heads: []string{"WAVE", "GATEWAYS", "WAITING", "ASKED", "FETCHING", "TRIAL", "CONFIRMED", "FAILED", "GONE"}, right: []bool{false, true, true, true, true, true, true, true, true}}
	for _, x := range r.Waves {
		cells := []string{x.Wave}
		for _, n := range []int{x.Gateways, x.Waiting, x.Asked, x.Fetching, x.Trial, x.Confirmed, x.Failed, x.Gone} {
			cells = append(cells, strconv.Itoa(n))
		}
		t.add(cells...)
	}
	if err := t.print(w); err != nil || len(gateways) == 0 {
		return err
	}
	fmt.Fprintln(w)
	t = table{heads: []string{"GATEWAY", "WAVE", "PHASE", "TOLD", "WHY"}, right: []bool{false, true}}
	for _, g := range gateways {
		phase, told := g.Phase, "never"
		if g.Phase == "fetching" && g.Size > 0 {
			phase += fmt.Sprintf(" %d %%", 100*g.Have/g.Size)
		}
		if g.Told > 0 {
			told = view.Ago(time.Since(time.UnixMilli(g.Told)).Milliseconds())
		}
		t.add(g.Gateway, strconv.Itoa(g.Wave), phase, told, strings.TrimSpace(g.Reason))
	}
	return t.print(w)
}
