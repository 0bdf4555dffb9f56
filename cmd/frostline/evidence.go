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

	"frostline/hub/api"
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
	var wait time.Duration
	var without bool
	cmd := &cobra.Command{
		Use:   "export SHIPMENT",
		Short: "Write the evidence of a shipment to a file",
		Long: `export asks the hub for the evidence of a shipment and writes it to one file.
Made again while nothing new has happened about the shipment the file is the
same, byte for byte.

Gateways sign their blocks about once a minute. export waits for those that are
connected; blocks that are not signed after that are told as such in the file,
and verify shows up to when it holds without them.

Documents that people attached to excursions of the shipment are in the file.
--without-documents leaves them out, and the file says so: their hashes are in
it all the same.`,
		Example: `  frostline evidence export S-1042 -o s-1042.zip
  frostline evidence export S-1042 --without-documents`,
		Args: args(1, 1, "one shipment"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			if file == "" {
				file = "evidence-" + filepath.Base(args[0]) + ".zip"
			}
			if wait < 0 || wait > maxWait {
				return usageError{fmt.Errorf("--wait %v: want 0s to %v", wait, maxWait)}
			}
			return save(c, file, "; check it with: frostline evidence verify "+file, func(ctx context.Context, w io.Writer) (int64, error) {
				return export(ctx, c.ErrOrStderr(), hub, w, args[0], !without, wait)
			})
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "file to write, - for standard output (default evidence-SHIPMENT.zip)")
	cmd.Flags().BoolVar(&without, "without-documents", false, "leave out what people attached to excursions")
	cmd.Flags().DurationVar(&wait, "wait", 75*time.Second, "how long to wait for gateways to sign their newest blocks")
	return cmd
}

const (
	maxWait = 10 * time.Minute
	oneWait = 20 * time.Second // of one request
)

// export asks for a bundle until all in it is signed that may be soon, or the
// wait is over.
func export(ctx context.Context, progress io.Writer, hub *api.Client, w io.Writer, shipment string, documents bool, wait time.Duration) (int64, error) {
	spool, err := os.CreateTemp("", "frostline-evidence-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	for began := time.Now(); ; {
		asked, most := time.Now(), max(0, min(oneWait, wait-time.Since(began))).Truncate(time.Second)
		_, unsigned, err := hub.Evidence(ctx, spool, shipment, documents, most)
		if err != nil {
			return 0, err
		}
		if _, err := spool.Seek(0, io.SeekStart); err != nil {
			return 0, err
		}
		if unsigned == 0 || most == 0 || time.Since(asked) < most { // the gateways that are left are away
			if unsigned > 0 {
				fmt.Fprintf(progress, "%s blocks are not signed by their gateways yet: the file says so, and verify shows up to when it holds without them\n", count(unsigned))
			}
			return io.Copy(w, spool)
		}
		if err := spool.Truncate(0); err != nil {
			return 0, err
		}
		fmt.Fprintf(progress, "%s blocks await the signature of their gateways, which sign about once a minute: asked for %v of at most %v\n",
			count(unsigned), time.Since(began).Round(time.Second), wait)
	}
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
				err = r.Print(c.OutOrStdout())
			}
			if err == nil && !r.Holds {
				return errQuiet
			}
			return err
		},
	}
	cmd.Flags().StringVar(&trust.Key, "key", "", "key of the hub's log, as frostline evidence key prints it")
	cmd.Flags().StringArrayVar(&trust.Witnesses, "witness", nil, "key of a witness that must have cosigned; may be given more than once")
	cmd.Flags().BoolVar(&trust.AllowUnsigned, "allow-unsigned", false, "let verdicts on closed packages pass that rest on blocks that no gateway has signed yet")
	return cmd
}
