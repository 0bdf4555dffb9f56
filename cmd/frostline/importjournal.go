package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"frostline/hub/api"
)

func init() { more = append(more, importJournalCommand) }

func importJournalCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "import-journal FILE|-",
		Short: "Take in the journal that a gateway brought as a file",
		Long: `import-journal takes in what "frostline-edge journal export" wrote at a gateway,
as if its blocks had come by network: each block once, whatever came by network
before, meanwhile or after, and however often the file is imported. The gateway
hears on its next connection what it may forget.

The file must be signed by a key that the gateway was enrolled with. Where it
was changed, the line and block are named and nothing from there on is believed.
An import that was cut short is done again; nothing is taken in twice.

The exit status is 1 where the file was not read to its end, or something of it
was refused. "frostline account" says whether all readings are accounted for.`,
		Example: "  frostline import-journal /media/usb/van-1.journal\n  ssh van-1 frostline-edge journal export - | frostline import-journal -",
		Args:    args(1, 1, "the file"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			in, size := c.InOrStdin(), int64(0)
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("journal file: %w", err)
				}
				defer f.Close() // it is only read
				if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
					size = st.Size()
				}
				in = f
			}
			return importJournal(c.Context(), hub, in, size, o.json, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
}

func importJournal(ctx context.Context, hub *api.Client, in io.Reader, size int64, asJSON bool, out, note io.Writer) error {
	every, end, told := 10*time.Second, "\n", time.Now()
	if f, ok := note.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		every, end = time.Second/2, "\r"
	}
	h, err := hub.Haul(ctx, in, func(l api.HaulLine) {
		if l.Blocks == 0 || time.Since(told) < every {
			return
		}
		told = time.Now()
		share := ""
		if size > 0 {
			share = fmt.Sprintf(", %d %%", 100*min(int64(l.Bytes), size)/size)
		}
		fmt.Fprintf(note, "%-70s%s", fmt.Sprintf("%s: %s readings in %s blocks%s", l.Gateway, count(l.Readings), count(l.Blocks), share), end)
	})
	if err != nil {
		return err
	}
	if asJSON {
		err = printJSON(out, h)
	} else {
		err = printHaul(out, h)
	}
	switch {
	case err != nil:
		return err
	case h.Error != "":
		return errors.New(h.Error)
	case h.Refused > 0 || h.Waiting > 0:
		return errQuiet
	}
	return nil
}

func printHaul(w io.Writer, h api.HaulLine) error {
	if h.Gateway == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "%s: %s readings in %s blocks read, %s of them new to the hub\n", h.Gateway, count(h.Readings), count(h.Blocks), count(h.New))
	if h.Refused > 0 {
		fmt.Fprintf(w, "%s parcels were refused and are in quarantine\n", count(h.Refused))
	}
	if h.Waiting > 0 {
		fmt.Fprintf(w, "%s blocks could not be taken yet: import the file again\n", count(h.Waiting))
	}
	if h.Absent > 0 {
		fmt.Fprintf(w, "%s blocks are neither in the file nor here\n", count(h.Absent))
	}
	for _, r := range h.Reasons {
		fmt.Fprintf(w, "  %s\n", r)
	}
	return err
}
