package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/hub/view"
)

func init() { more = append(more, sagasCommand) }

func sagasCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sagas",
		Short: "Show what follows from excursions, and decide where it cannot go on",
		Long: `sagas shows what the hub does by itself after an excursion: quarantine, holding the
delivery, waiting for quality, a replacement, telling everybody. One that cannot
go on is parked until a person decides: retry the step, skip it, or compensate,
which undoes what was done. What quality has not released stays held.`,
		Example: `  frostline sagas list
  frostline sagas retry excursion-0198c2 --reason "stock was adjusted"
  frostline sagas skip excursion-0198c2 --step stop --reason "was delivered already"`,
		Args: args(0, 0, "a command"),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(sagasListCommand(o), sagasShowCommand(o),
		sagasDecideCommand(o, "retry", "Try the step again that a saga is parked at", "A replacement that was taken back is tried again as a whole."),
		sagasDecideCommand(o, "skip", "Have a saga go on without the step that it is parked at", "What the step should have done is for a person to do."),
		sagasDecideCommand(o, "compensate", "Undo what a saga has done, in reverse, and end it", "It can also be used while quality has not decided. What quality has rejected stays\nin quarantine, and its delivery held."))
	return cmd
}

func sagasListCommand(o *options) *cobra.Command {
	var state string
	var all bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List sagas that have not ended",
		Long:    "list shows sagas that have not ended, unless another state or all are asked for. It ends with\nstatus 1 while any of those listed is parked.",
		Example: "  frostline sagas list\n  frostline sagas list --state parked\n  frostline sagas list --all --json",
		Args:    args(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			switch state {
			case "", "running", "waiting", "parked", "ended":
			default:
				return usageError{fmt.Errorf("--state %q: want running, waiting, parked or ended", state)}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			list, more, err := hub.Sagas(c.Context(), state, all, 10_000)
			if err != nil {
				return err
			}
			if o.json {
				err = printJSON(c.OutOrStdout(), list)
			} else {
				err = printSagas(c.OutOrStdout(), list, more)
			}
			for _, s := range list {
				if err == nil && s.State == "parked" {
					return errQuiet
				}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "running, waiting, parked or ended")
	cmd.Flags().BoolVar(&all, "all", false, "also those that have ended")
	return cmd
}

func printSagas(w io.Writer, list []api.Saga, more bool) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no saga: nothing follows from an excursion now")
		return err
	}
	t := table{heads: []string{"SAGA", "PACKAGE", "SEVERITY", "STANDS", "SINCE", "ERROR"}}
	for _, s := range list {
		t.add(s.ID, s.Package, s.Severity, s.Says, view.Moment(s.Since)+" "+view.Zone, oneLine(s.Error))
	}
	if err := t.print(w); err != nil || !more {
		return err
	}
	_, err := fmt.Fprintln(w, "and more: ask for a state")
	return err
}

func sagasShowCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show the steps of a saga, and what was decided about it",
		Example: "  frostline sagas show excursion-0198c2",
		Args:    args(1, 1, "the id of a saga"),
		RunE: func(c *cobra.Command, ids []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			s, err := hub.Saga(c.Context(), ids[0])
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), s)
			}
			return printSaga(c.OutOrStdout(), s)
		},
	}
}

func printSaga(w io.Writer, s api.Saga) error {
	fmt.Fprintf(w, "saga      %s\npackage   %s\nexcursion %s (%s)\nstands    %s, since %s %s\n", s.ID, s.Package, s.Excursion, s.Severity, s.Says, view.Moment(s.Since), view.Zone)
	if s.Error != "" {
		fmt.Fprintf(w, "error     %s\ndecide    %s\n", oneLine(s.Error), strings.Join(s.Choices, ", "))
	}
	t := table{heads: []string{"STEP", "CAME TO", "AT", "WHAT"}}
	for _, k := range s.Steps {
		name, what := k.Step, k.Note
		if k.Undo {
			name += ", undone"
		}
		for _, r := range k.Refs {
			what = strings.TrimSpace(what + " " + r.String())
		}
		t.add(name, strings.TrimSpace(k.Outcome+" "+k.Disposition), view.Moment(k.At)+" "+view.Zone, oneLine(what))
	}
	for _, d := range s.Taken {
		t.add(d.Step, d.Decision, view.Moment(d.At)+" "+view.Zone, oneLine(d.By+": "+d.Reason))
	}
	return t.print(w)
}

func sagasDecideCommand(o *options, word, short, long string) *cobra.Command {
	var reason, step string
	cmd := &cobra.Command{
		Use: word + " ID", Short: short, Long: short + ". " + long,
		Example: "  frostline sagas " + word + " excursion-0198c2 --reason \"looked into it with the driver\"",
		Args:    args(1, 1, "the id of a saga"),
		RunE: func(c *cobra.Command, ids []string) error {
			if reason == "" {
				return usageError{fmt.Errorf("--reason: say why, for the trail")}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			s, err := hub.DecideSaga(c.Context(), ids[0], step, word, reason)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), s)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s is decided; frostline sagas show %s tells what comes of it\n", s.ID, word, s.ID)
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the trail; nothing that tells of a patient")
	cmd.Flags().StringVar(&step, "step", "", "the step that it is parked at, so that no other is decided about")
	return cmd
}
