package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"frostline/hub/trace/epcis"
)

func init() { more = append(more, epcisCommand) }

func epcisCommand(*options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "epcis",
		Short: "Hash, check and convert traceability events (EPCIS)",
		Long: `epcis reads a document of traceability events: EPCIS 2.0 in JSON-LD or XML, or
EPCIS 1.2 in XML, whichever it is; also results of a query, and a single event.
It needs no hub and fetches nothing: contexts of JSON-LD are built in.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usageError{fmt.Errorf("%q is no command of frostline epcis; there are hash, validate and convert", args[0])}
		},
		Args: cobra.ArbitraryArgs,
	}
	cmd.AddCommand(epcisHashCommand(), epcisValidateCommand(), epcisConvertCommand())
	return cmd
}

func epcisHashCommand() *cobra.Command {
	var text bool
	cmd := &cobra.Command{
		Use:   "hash FILE",
		Short: "Print the hash id of each event",
		Long: `hash prints one ni:///sha-256;… a line, in the order of the events, by section 8.9
of the Core Business Vocabulary 2.0. An event has the same one in every language
and spelling; its own id, its record time and its error declaration do not count.
Fields that the document itself names under ignoreFields are left out.`,
		Example: `  frostline epcis hash shipment.jsonld
  frostline epcis hash --text shipment.xml`,
		Args: args(1, 1, "one file, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := readEPCIS(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			for _, e := range d.Events {
				line := e.HashIDWithout(d.Ignored)
				if text {
					line = e.Prehash(d.Ignored)
				}
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), line); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&text, "text", false, "print the text that is hashed instead")
	return cmd
}

func epcisValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE",
		Short: "Print what is wrong with a document",
		Long: `validate prints each problem as a line of JSON with the pointer of the member
concerned (of the equivalent in JSON, for XML) and a message. It ends with status 1
if there is any, and prints nothing if there is none.`,
		Example: `  frostline epcis validate shipment.jsonld`,
		Args:    args(1, 1, "one file, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := openEPCIS(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			defer in.Close()
			return validateEPCIS(in, cmd.OutOrStdout())
		},
	}
}

// validateEPCIS prints problems as they are found, one event in memory at a
// time.
func validateEPCIS(in io.Reader, out io.Writer) error {
	found := false
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	say := func(problems []epcis.Problem) error {
		for _, p := range problems {
			found = true
			if err := lines.Encode(p); err != nil {
				return err
			}
		}
		return nil
	}
	d, err := epcis.Read(in, "", epcis.Limits{}, func(e *epcis.Event) error { return say(e.Validate()) })
	var bad *epcis.SyntaxError
	switch {
	case errors.As(err, &bad):
		err = say([]epcis.Problem{bad.Problem})
	case err == nil:
		err = say(d.Problems)
	}
	if err == nil && found {
		return errQuiet
	}
	return err
}

func epcisConvertCommand() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "convert --to json|xml|xml12 FILE",
		Short: "Write a document in another language of EPCIS",
		Long: `convert writes EPCIS 2.0 in JSON-LD or XML, or EPCIS 1.2 in XML for partners that
read no newer one. Extensions stay as they are. What 1.2 has no place for, sensor
data above all, is left out and named on standard error.`,
		Example: `  frostline epcis convert --to xml12 shipment.jsonld > shipment.xml`,
		Args:    args(1, 1, "one file, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			encode := map[string]func(io.Writer, *epcis.Document) error{
				"json": epcis.EncodeJSON,
				"xml":  epcis.EncodeXML20,
				"xml12": func(w io.Writer, d *epcis.Document) error {
					omitted, err := epcis.EncodeXML12(w, d)
					for _, p := range omitted {
						fmt.Fprintf(cmd.ErrOrStderr(), "frostline: left out: %v\n", p)
					}
					return err
				},
			}[to]
			if encode == nil {
				return usageError{fmt.Errorf("--to is %q; want json, xml or xml12", to)}
			}
			d, err := readEPCIS(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			return encode(cmd.OutOrStdout(), d)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "json, xml or xml12")
	return cmd
}

func openEPCIS(file string, stdin io.Reader) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(stdin), nil
	}
	return os.Open(file)
}

func readEPCIS(file string, stdin io.Reader) (*epcis.Document, error) {
	in, err := openEPCIS(file, stdin)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var events []*epcis.Event
	d, err := epcis.Read(in, "", epcis.Limits{}, func(e *epcis.Event) error {
		events = append(events, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	d.Events = events
	return d, nil
}
