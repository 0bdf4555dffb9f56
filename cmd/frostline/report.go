package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"
)

func init() { more = append(more, reportCommand) }

func reportCommand(o *options) *cobra.Command {
	var file, excursion string
	cmd := &cobra.Command{
		Use:   "report [SHIPMENT]",
		Short: "Print what happened to a shipment, or in an excursion, as PDF",
		Long: `report writes one PDF: verdicts, charts, who held the packages, cases and
signatures, and the SHA-256 of the evidence bundle by which all of it can be
checked. Made again while nothing new has happened the file is the same, byte
for byte.`,
		Example: `  frostline report S-1042 -o s-1042.pdf
  frostline report --excursion 01J9…`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || (len(args) == 1) == (excursion != "") {
				return usageError{errors.New("want one shipment, or --excursion and the id of one")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			id, print := excursion, hub.CaseReport
			if len(args) == 1 {
				id, print = args[0], hub.ShipmentReport
			}
			if file == "" {
				file = "report-" + filepath.Base(id) + ".pdf"
			}
			return save(c, file, "", func(ctx context.Context, w io.Writer) (int64, error) { return print(ctx, w, id) })
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "file to write, - for standard output (default report-ID.pdf)")
	cmd.Flags().StringVar(&excursion, "excursion", "", "report on this excursion")
	return cmd
}

// save writes a document of the hub to a file, or to standard output, and says
// how large it is and what can be done with it.
func save(c *cobra.Command, file, next string, write func(context.Context, io.Writer) (int64, error)) error {
	if file == "-" {
		_, err := write(c.Context(), c.OutOrStdout())
		return err
	}
	var n int64
	err := replace(file, func(w io.Writer) (err error) {
		n, err = write(c.Context(), w)
		return err
	})
	if err == nil {
		fmt.Fprintf(c.ErrOrStderr(), "%s: %s bytes%s\n", file, count(uint64(n)), next)
	}
	return err
}
