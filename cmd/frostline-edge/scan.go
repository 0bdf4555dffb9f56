package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"frostline/edge/panel"
	"frostline/edge/scan"
	"frostline/proto/thermal"
)

func scanCommand(o *options) *cobra.Command {
	var q scan.Request
	var attach, to string
	var detach, asJSON bool
	cmd := &cobra.Command{
		Use:   "scan CODE",
		Short: "Say where a package is from now on, or who has it",
		Long: `scan takes a package's code, as a scanner reads it or as it is typed, and puts
into the gateway's chain where the package is from now on, or who has it. It needs
no network: the hub is told when there is one, with the time at which it was
scanned. What a person takes is an opaque token, never a name.

A mistake is corrected by another scan, --corrects ID, or taken back by --withdraw
ID; "frostline-edge scans" shows the ids.`,
		Example: `  frostline-edge scan 095060001343520017 --attach van-1-a
  frostline-edge scan 095060001343520017 --hand-over courier-7 --role courier --from pharmacy-1 --attach van-1-a --seal intact
  frostline-edge scan 095060001343520017 --hand-over 3f2504e0-4f89-11d3-9a0c-0305e82c3301 --role patient --from courier-7 --detach
  frostline-edge scan --withdraw k3f9x2m7q4p5w6r7t2yz`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				q.Code = args[0]
			}
			withdraw := cmd.Flags().Changed("withdraw")
			if withdraw == (q.Code != "") {
				return usageError{fmt.Errorf("want a code, or --withdraw with the id of a scan")}
			}
			q.Target, q.To = attach, to
			switch {
			case withdraw:
				q.Withdrawn = true
			case to != "":
				q.Action, q.Leaves = scan.HandOver, detach
			case attach != "" && !detach:
				q.Action = scan.Attach
			case detach && attach == "":
				q.Action = scan.Detach
			default:
				return usageError{fmt.Errorf("want one of --attach COMPARTMENT, --detach and --hand-over PARTY")}
			}
			dir, err := o.dir()
			if err != nil {
				return err
			}
			r, err := panel.NewClient(dir).Scan(cmd.Context(), q)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd, r)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s %s: %s\n", r.ID, r.State, said(r.Entry))
			if r.Watched {
				fmt.Fprintln(cmd.OutOrStdout(), "it is watched")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&attach, "attach", "", "what it goes into: a compartment's id, or KIND/ID of a zone or tote")
	f.BoolVar(&detach, "detach", false, "it comes out of what it is in")
	f.StringVar(&to, "hand-over", "", "who takes it: a party's id, or a patient's token")
	f.StringVar(&q.Role, "role", "", "of who takes it: "+strings.Join(scan.Roles, ", "))
	f.StringVar(&q.From, "from", "", "who gives it: a party's id; left out for the first custodian")
	f.StringVar(&q.Seal, "seal", "", "as it was found: "+strings.Join(scan.Seals, ", "))
	f.StringVar(&q.By, "by", "", "opaque token of who scanned")
	f.StringVar(&q.ID, "id", "", "of the scan: sent again with it, it is one; drawn where left out")
	f.StringVar(&q.Corrects, "corrects", "", "id of a scan of the same thing, whose place this one takes")
	f.StringVar(&q.Corrects, "withdraw", "", "id of a scan that was a mistake; nothing takes its place")
	f.BoolVar(&asJSON, "json", false, "as JSON")
	cmd.MarkFlagsMutuallyExclusive("corrects", "withdraw")
	return cmd
}

func scansCommand(o *options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "scans",
		Short: "Show what was scanned at the gateway of late, and what is aboard",
		Long: `scans asks the running agent for the scans of late, the newest first, each with
how far it has come: waiting for the chain, kept in it, or committed, which is
when the hub has it; and for what is in which compartment by them.`,
		Example: "  frostline-edge scans\n  frostline-edge scans --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := o.dir()
			if err != nil {
				return err
			}
			s, err := panel.NewClient(dir).Scans(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd, s)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tTIME\tSTATE\tSAYS")
			for _, e := range s.Scans {
				at := "undated"
				if e.UTC != nil {
					at = time.UnixMilli(*e.UTC).UTC().Format("2006-01-02T15:04:05Z")
				}
				state := string(e.State)
				if e.Replaced {
					state += ", replaced"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.ID, at, state, said(e))
			}
			if err := w.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "aboard: %d\n", len(s.Aboard))
			for _, a := range s.Aboard {
				fmt.Fprintf(cmd.OutOrStdout(), "  %s in %s\n", visible(a.Subject.Value), a.Target)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// said is a scan in words.
func said(e scan.Entry) string {
	what := fmt.Sprintf("%s %s", e.Subject.Kind, visible(e.Subject.Value))
	switch {
	case e.Withdrawn:
		return fmt.Sprintf("%s: %s was a mistake", what, e.Corrects)
	case e.Action == scan.HandOver:
		what += fmt.Sprintf(" handed over to %s (%s)", e.To, e.Role)
		if e.Target != "" {
			what += ", into " + e.Target
		}
	case e.Action == scan.Detach:
		what += " taken out"
	default:
		what += " into " + e.Target
	}
	if e.Seal != scan.Seals[0] {
		what += ", seal " + e.Seal
	}
	if t := e.Temperature; t != nil {
		what += fmt.Sprintf(", %s °C", thermal.Temp(t.Value))
	}
	if e.Corrects != "" {
		what += ", corrects " + e.Corrects
	}
	return what
}

// visible is a code without what a terminal would obey.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, s)
}

func writeJSON(cmd *cobra.Command, v any) error {
	e := json.NewEncoder(cmd.OutOrStdout())
	e.SetIndent("", "  ")
	return e.Encode(v)
}
