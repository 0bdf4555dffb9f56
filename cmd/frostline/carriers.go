package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"frostline/hub/dispatch/carrier"
)

func init() { more = append(more, carriersCommand) }

func carriersCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "carriers",
		Short: "Show partner carriers, and check the files that map what they send",
		Long: `carriers shows how the exchange with each partner carrier is doing: messages that
wait for a person, and calls that were given up. What is aside is looked at and
settled by the interface for programs, under /carriers.

A partner is taken in by a mapping file, named in "carriers:" of the hub's
configuration; "frostline carriers example" prints one.`,
		Example: "  frostline carriers\n  frostline carriers example > swift.yaml\n  frostline carriers check swift.yaml --message sample.json",
		Args:    args(0, 0, "a command, or nothing"),
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			all, err := hub.Carriers(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), all)
			}
			t := table{heads: []string{"CARRIER", "PARTY", "MESSAGES", "ASIDE", "CALLS", "GIVEN UP", "TROUBLE"}}
			for _, p := range all {
				t.add(p.Carrier, p.Party, total(p.Messages), fmt.Sprint(p.Messages[carrier.Aside]), total(p.Calls), fmt.Sprint(p.Calls[carrier.Failed]), p.Failing)
			}
			return t.print(c.OutOrStdout())
		},
	}
	cmd.AddCommand(carriersCheckCommand(o), &cobra.Command{
		Use: "example", Short: "Print a mapping file with everything that one can say", Args: args(0, 0, "nothing"),
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := io.WriteString(c.OutOrStdout(), carrier.Example)
			return err
		},
	})
	return cmd
}

func total(counts map[string]int64) string {
	var n int64
	for _, k := range counts {
		n += k
	}
	return fmt.Sprint(n)
}

func carriersCheckCommand(o *options) *cobra.Command {
	var message string
	var secrets bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a mapping file, and try it on a message",
		Long: `check says everything that is wrong with a mapping file, and exits with 1 then.
With --message it shows what a message of the partner would come to here. It needs
no hub. The files of secrets are looked at with --secrets only, since they lie on
the hub's machine.`,
		Example: "  frostline carriers check swift.yaml\n  frostline carriers check swift.yaml --message sample.json --json",
		Args:    args(1, 1, "a mapping file"),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := carrier.Check(args[0], secrets)
			if err != nil {
				return err
			}
			if message == "" {
				if o.json {
					return printJSON(c.OutOrStdout(), map[string]any{"ok": true, "carrier": m.Carrier})
				}
				_, err := fmt.Fprintf(c.OutOrStdout(), "%s: carrier %s of party %s: %s\n", args[0], m.Carrier, m.Party, strings.Join(m.Does(), "; "))
				return err
			}
			body, err := limited(message)
			if err != nil {
				return err
			}
			notices, wrong := m.Read(body)
			if err := printNotices(c.OutOrStdout(), o, notices); err != nil {
				return err
			}
			if wrong != nil {
				return fmt.Errorf("%s would be set aside: %w", message, wrong)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&message, "message", "", "a message as the partner sends it, JSON")
	cmd.Flags().BoolVar(&secrets, "secrets", false, "look at the files of secrets, too")
	return cmd
}

func limited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, carrier.MaxMessage+1))
}

func printNotices(w io.Writer, o *options, all []carrier.Notice) error {
	if o.json {
		return printJSON(w, all)
	}
	t := table{heads: []string{"STATUS", "DELIVERY", "TIME", "ETA", "COMES TO"}}
	for _, n := range all {
		if n.Means.Ignore {
			t.add(n.Code, n.Reference, "", "", "nothing: it is ignored")
			continue
		}
		t.add(n.Code, n.Reference, instant(n.At), instant(n.ETA), n.Means.String())
	}
	return t.print(w)
}

func instant(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05Z")
}
