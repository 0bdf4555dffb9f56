package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"frostline/hub/evidence/verify"
)

func init() { more = append(more, evidenceCommand) }

func evidenceCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "evidence",
		Short: "Export the evidence of a shipment, and check it",
		Long: `evidence makes and checks the file by which anybody can find out whether what
the hub says of a shipment is true: readings as gateways signed them, facts and
verdicts with proofs that they are in the hub's log, and the keys.`,
		Example: `  frostline evidence key
  frostline evidence export S-1042 -o s-1042.zip
  frostline evidence verify s-1042.zip --key 'frostline/3f…+1c2d3e4f+AQ…'`,
	}
	cmd.AddCommand(evidenceExport(o), evidenceVerify(o), evidenceKey(o))
	return cmd
}

func evidenceExport(o *options) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "export SHIPMENT",
		Short: "Write the evidence of a shipment to a file",
		Long: `export asks the hub for the evidence of a shipment and writes it to one file.
Made again while nothing new has happened about the shipment the file is the
same, byte for byte.`,
		Example: "  frostline evidence export S-1042 -o s-1042.zip",
		Args:    args(1, 1, "one shipment"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			if file == "" {
				file = "evidence-" + filepath.Base(args[0]) + ".zip"
			}
			return save(c, file, "; check it with: frostline evidence verify "+file, func(ctx context.Context, w io.Writer) (int64, error) {
				return hub.Evidence(ctx, w, args[0])
			})
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "file to write, - for standard output (default evidence-SHIPMENT.zip)")
	return cmd
}

// replace writes a file whole, or leaves what was there.
func replace(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(write(f), f.Sync(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func evidenceKey(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "key", Short: "Print the key of the hub's evidence log, to be pinned by those who verify",
		Example: "  frostline evidence key", Args: args(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			key, err := hub.LogKey(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), map[string]string{"key": key})
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), key)
			return err
		},
	}
}

func evidenceVerify(o *options) *cobra.Command {
	var trust verify.Options
	cmd := &cobra.Command{
		Use:   "verify BUNDLE",
		Short: "Check the evidence of a shipment, offline",
		Long: `verify checks a bundle from the bundle alone: hashes, the gateways' chains and
signatures, proofs that all is in the hub's log, witnesses, and works out the
verdicts anew from readings and facts. It names the first thing that does not
hold.

It ends with status 0 if all holds, 1 if something does not, and 2 if it could
not be checked. Without --key it says by which key it was checked: whoever made
the bundle could have made that key too.`,
		Example: `  frostline evidence verify s-1042.zip --key 'frostline/3f…+1c2d3e4f+AQ…'
  frostline evidence verify s-1042.zip --json | jq '.problems[0]'`,
		Args: args(1, 1, "one file"),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return usageError{err}
			}
			defer f.Close()
			info, err := f.Stat()
			if err == nil && !info.Mode().IsRegular() {
				err = fmt.Errorf("%s: want a file", args[0])
			}
			if err != nil {
				return usageError{err}
			}
			r, err := verify.Bundle(c.Context(), f, info.Size(), trust)
			if err != nil {
				if c.Context().Err() != nil {
					return err
				}
				return usageError{err}
			}
			if o.json {
				err = printJSON(c.OutOrStdout(), r)
			} else {
				err = printReport(c.OutOrStdout(), r)
			}
			if err == nil && !r.Holds {
				return errQuiet
			}
			return err
		},
	}
	cmd.Flags().StringVar(&trust.Key, "key", "", "key of the hub's log, as frostline evidence key prints it")
	cmd.Flags().StringArrayVar(&trust.Witnesses, "witness", nil, "key of a witness that must have cosigned; may be given more than once")
	cmd.Flags().BoolVar(&trust.AllowUnsigned, "allow-unsigned", false, "let blocks pass that the gateway had not signed for yet")
	return cmd
}

func printReport(w io.Writer, r *verify.Report) error {
	out := &sticky{w: w}
	if r.Shipment != "" {
		out.printf("Shipment %s, by log %s\n", r.Shipment, r.Origin)
	}
	if !r.Holds {
		out.printf("\nIT DOES NOT HOLD. The first thing that does not:\n  %s\n", r.Problems[0])
		if n := len(r.Problems) - 1 + r.More; n > 0 {
			out.printf("\nAnd what follows from it, or besides (%d):\n", n)
			for _, p := range r.Problems[1:] {
				out.printf("  %s\n", p)
			}
		}
		return out.err
	}
	c := r.Counts
	out.printf("\nIt holds: %s readings in %s blocks (%s more by hash), %s seals, %s events in %s streams, %s proofs.\n", count(uint64(c.Readings)),
		count(uint64(c.Blocks)), count(uint64(c.Linked)), count(uint64(c.Seals)), count(uint64(c.Events)), count(uint64(c.Streams)), count(uint64(c.Proofs)))
	for _, v := range r.Verdicts {
		state := "open, judged until then"
		if v.Closed {
			state = "closed"
		}
		out.printf("  package %s by profile %s version %d: %s, %s to %s (%s)\n", v.Package, v.Profile, v.Version, v.Outcome,
			time.UnixMilli(v.From).UTC().Format(time.RFC3339), time.UnixMilli(v.To).UTC().Format(time.RFC3339), state)
	}
	pinned := "taken from the bundle"
	if r.Pinned {
		pinned = "pinned"
	}
	out.printf("Log key (%s): %s\nCheckpoint of %s entries", pinned, r.Key, count(r.Size))
	if len(r.Witnesses) > 0 {
		out.printf(", cosigned by %v", r.Witnesses)
	}
	out.printf("\n")
	for _, s := range r.Reservations {
		out.printf("But: %s.\n", s)
	}
	return out.err
}

// sticky keeps the first error of printing.
type sticky struct {
	w   io.Writer
	err error
}

func (s *sticky) printf(format string, a ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format, a...)
	}
}
