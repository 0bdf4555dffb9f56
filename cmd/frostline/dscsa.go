package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"frostline/hub/trace/dscsa"
)

func init() { more = append(more, dscsaCommand) }

func dscsaCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dscsa",
		Short: "Exchange documents with trading partners, and see what is due",
		Long: `dscsa keeps the duties of a trading partner under the Drug Supply Chain Security
Act: documents of transaction information and statements (EPCIS 1.2 XML) in and
out, and what has to be answered or told, and until when.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usageError{fmt.Errorf("%q is no command of frostline dscsa; there are export, receive and due", args[0])}
		},
		Args: cobra.ArbitraryArgs,
	}
	cmd.AddCommand(dscsaExportCommand(o), dscsaReceiveCommand(o), dscsaDueCommand(o))
	return cmd
}

func dscsaExportCommand(o *options) *cobra.Command {
	var file string
	var x dscsa.Export
	cmd := &cobra.Command{
		Use:   "export SHIPMENT",
		Short: "Write the document of a shipment to a trading partner",
		Long: `export makes the transaction information and statement of a shipment, in the shape
of GS1 US' guideline, and keeps it. It fails, naming each thing, where the law wants
what nobody has told; and for a shipment to a patient, who gets none.`,
		Example: `  frostline dscsa export S-1042 --order PO-7 -o s-1042.xml`,
		Args:    args(1, 1, "one shipment"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			x.Shipment = args[0]
			s, err := hub.SendStatement(c.Context(), x)
			if err != nil {
				return err
			}
			if file == "" {
				file = "dscsa-" + filepath.Base(args[0]) + ".xml"
			}
			return save(c, file, fmt.Sprintf(", %d units, kept until %s", s.Units, time.UnixMilli(s.Keep).UTC().Format(time.DateOnly)),
				func(ctx context.Context, w io.Writer) (int64, error) { return hub.StatementDocument(ctx, w, s.ID) })
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "file to write, - for standard output (default dscsa-SHIPMENT.xml)")
	cmd.Flags().StringVar(&x.Buyer, "buyer", "", "GLN of who buys (default that of the site it goes to)")
	cmd.Flags().StringVar(&x.Order, "order", "", "the buyer's purchase order (default the shipment's order)")
	cmd.Flags().StringVar(&x.Advice, "advice", "", "the despatch advice (default the shipment)")
	cmd.Flags().BoolVar(&x.Drop, "drop", false, "a drop shipment")
	return cmd
}

func dscsaReceiveCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "receive FILE",
		Short:   "Take a trading partner's document",
		Long:    `receive has the hub take a document, and prints what it lacks and which units were set aside. The same document again changes nothing.`,
		Example: `  frostline dscsa receive shipment-notice.xml`,
		Args:    args(1, 1, "one file"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			media := "application/xml"
			if e := filepath.Ext(args[0]); e == ".json" || e == ".jsonld" {
				media = "application/ld+json"
			}
			s, err := hub.ReceiveStatement(c.Context(), f, media, "")
			if err != nil {
				return err
			}
			if o.json {
				return json.NewEncoder(c.OutOrStdout()).Encode(s)
			}
			out := c.OutOrStdout()
			fmt.Fprintf(out, "%s: %d units, %d of them new, %d known\n", s.ID, s.Units, s.Learned, s.Known)
			for _, p := range s.Problems {
				fmt.Fprintf(out, "lacks %s: %s\n", strings.TrimSpace(p.Field+" "+p.About), p.Message)
			}
			for _, a := range s.Aside {
				fmt.Fprintf(out, "aside: %d units of %s: %s\n", a.Count, a.GTIN, a.Why)
			}
			return nil
		},
	}
}

func dscsaDueCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "due",
		Short: "Print what has to be answered, decided or told, and until when",
		Args:  args(0, 0, "nothing"),
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			requests, err := hub.TraceRequests(c.Context())
			if err != nil {
				return err
			}
			for _, r := range requests {
				fmt.Fprintf(out, "%s  trace request %s of %s: %s, by rule %s\n", time.UnixMilli(r.Due).UTC().Format(time.RFC3339), r.ID, r.Requester, r.State, r.Rule)
			}
			for _, state := range []string{dscsa.Illegitimate, dscsa.Suspected, dscsa.Proposed} {
				cases, err := hub.Suspects(c.Context(), state)
				if err != nil {
					return err
				}
				for _, s := range cases {
					switch untold := s.Untold(); {
					case len(untold) > 0:
						fmt.Fprintf(out, "%s  illegitimate %s: to be told to %s\n", time.UnixMilli(s.Due).UTC().Format(time.RFC3339), s.ID, strings.Join(untold, ", "))
					case state != dscsa.Illegitimate:
						fmt.Fprintf(out, "%-20s  %s %s: %s\n", "to be decided", state, s.ID, s.Cause)
					}
				}
			}
			return nil
		},
	}
}
