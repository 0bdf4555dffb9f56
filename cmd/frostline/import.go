package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"frostline/hub/catalog"
	"frostline/hub/catalog/sheet"
	"frostline/hub/dispatch/manifest"
	"frostline/hub/fact"
)

func init() { more = append(more, importCommand) }

// importFlags are those of frostline import.
type importFlags struct {
	dryRun, example, columns  bool
	format, separator, reason string
}

func importCommand(o *options) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import KIND FILE",
		Short: "Enter sites, sensors, products and other records from a file",
		Long: `import enters all records of a CSV or JSON file, or none where something is
wrong with any of them: each mistake is printed with its line, column, value and
remedy. Records that are as they were are left alone, so the same import twice
changes nothing. FILE is - for standard input.

KIND is one of
` + importKinds() + `or all, for JSON in which each record says its kind; or, of dispatch,
  ` + strings.Join(manifest.Kinds, ", ") + `
in CSV, JSON or YAML: 5,000 records and 8 MiB.

CSV begins with a line of column names; --columns tells those of a KIND, and
--example prints a file to begin with. Write UTF-8, temperatures in degrees
Celsius with a point, times as 2026-09-14 (UTC) or 2026-09-14T06:00:00Z, and
durations as 30m, 12h or 14d. An apostrophe before a text that begins with
=, +, - or @ is taken away. A file may have 50,000 records and 16 MiB.

JSON is an array of records, or one record a line, as the hub's REST interface
gives them. Profiles can be given as JSON only.`,
		Example: `  frostline import sites --example > sites.csv
  frostline import sites sites.csv --dry-run
  frostline import sites sites.csv --reason "opening of depot 2"
  frostline import profiles profiles.json
  frostline import products export.csv --separator semicolon
  frostline import jobs tomorrow.yaml`,
		Args: args(1, 2, "a kind and a file"),
		RunE: func(c *cobra.Command, args []string) error {
			if slices.Contains(manifest.Kinds, args[0]) {
				return f.dispatch(c, o, args)
			}
			kind := sheet.All
			if args[0] != string(sheet.All) {
				var err error
				if kind, err = fact.ParseRecordKind(args[0]); err != nil {
					return usageError{fmt.Errorf("%w, or all", err)}
				}
			}
			if f.example || f.columns {
				return f.explain(c.OutOrStdout(), kind)
			}
			if len(args) < 2 {
				return usageError{fmt.Errorf("name a file, or - for standard input; see %s --help", c.CommandPath())}
			}
			return f.run(c, o, kind, args[1])
		},
	}
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "check the file and tell what would be done, and do nothing")
	cmd.Flags().StringVar(&f.format, "format", "", "csv, json or, of dispatch, yaml (default by the file's name, else its first character)")
	cmd.Flags().StringVar(&f.separator, "separator", "comma", "between fields of CSV: comma, semicolon or tab")
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, for the trail of each record (default \"import of FILE\")")
	cmd.Flags().BoolVar(&f.example, "example", false, "print an example of a file of this kind")
	cmd.Flags().BoolVar(&f.columns, "columns", false, "print the columns of this kind")
	return cmd
}

func importKinds() string {
	var b strings.Builder
	for _, k := range fact.RecordKinds() {
		names := []string{"(JSON only)"}
		if all := sheet.Columns(k); all != nil {
			names = names[:0]
			for _, c := range all {
				if c.Required {
					names = append(names, c.Name)
				} else if !strings.HasPrefix(c.Name, "budget") || c.Name == "budget" {
					names = append(names, "["+c.Name+"]")
				}
			}
		}
		fmt.Fprintf(&b, "  %-13s %s\n", k.Plural(), strings.Join(names, " "))
	}
	return b.String()
}

// explain prints what a file of a kind looks like.
func (f *importFlags) explain(w io.Writer, k fact.Kind) error {
	all := sheet.Columns(k)
	switch {
	case f.example:
		_, err := io.WriteString(w, sheet.Example(k))
		return err
	case all == nil:
		return fmt.Errorf("there are no columns: give JSON; --example prints one, and /openapi.json has the schema")
	}
	t := table{heads: []string{"COLUMN", "", "WHAT", "EXAMPLE"}}
	for _, c := range all {
		needed := ""
		if c.Required {
			needed = "needed"
		}
		t.add(c.Name, needed, c.Help, c.Example)
	}
	return t.print(w)
}

// read takes the file in, and finds out what it is.
func (f *importFlags) read(c *cobra.Command, name string, kind fact.Kind) (data []byte, format sheet.Format, err error) {
	in := c.InOrStdin()
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, "", err
		}
		defer file.Close()
		in = file
	}
	data, err = io.ReadAll(io.LimitReader(in, sheet.MaxBytes+1))
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > sheet.MaxBytes {
		return nil, "", fmt.Errorf("%s has more than %d bytes: cut it into several", name, sheet.MaxBytes)
	}
	switch f.format {
	case "csv", "json":
		return data, sheet.Format(f.format), nil
	case manifest.YAML:
		if kind == dispatched {
			return data, manifest.YAML, nil
		}
		return nil, "", usageError{fmt.Errorf("--format %q: want csv or json", f.format)}
	case "":
	default:
		return nil, "", usageError{fmt.Errorf("--format %q: want csv or json", f.format)}
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".tsv", ".txt":
		return data, sheet.CSV, nil
	case ".yaml", ".yml":
		if kind == dispatched {
			return data, manifest.YAML, nil
		}
	case ".json", ".jsonl", ".ndjson":
		return data, sheet.JSON, nil
	}
	if first := strings.TrimLeft(strings.TrimPrefix(string(data), "\ufeff"), " \t\r\n"); strings.HasPrefix(first, "{") || strings.HasPrefix(first, "[") {
		return data, sheet.JSON, nil
	}
	return data, sheet.CSV, nil
}

func (f *importFlags) run(c *cobra.Command, o *options, kind fact.Kind, name string) error {
	return f.send(c, o, kind, cmp.Or(kind.Plural(), string(kind)), name)
}

// send sends a file, and prints the report.
func (f *importFlags) send(c *cobra.Command, o *options, kind fact.Kind, path, name string) error {
	switch f.separator {
	case "comma", "semicolon", "tab":
	default:
		return usageError{fmt.Errorf("--separator %q: want comma, semicolon or tab", f.separator)}
	}
	data, format, err := f.read(c, name, kind)
	if err != nil {
		return err
	}
	if f.reason == "" {
		f.reason = "import of " + filepath.Base(name)
		if name == "-" {
			f.reason = "import"
		}
	}
	hub, err := o.hub()
	if err != nil {
		return err
	}
	report, err := (&importCall{socket: hub.Socket, flags: f, kind: kind, path: path, format: format, data: data, note: c.ErrOrStderr()}).do(c.Context())
	if err != nil {
		return err
	}
	if o.json {
		if err := printJSON(c.OutOrStdout(), report); err != nil {
			return err
		}
	} else {
		printImport(c.OutOrStdout(), c.ErrOrStderr(), name, report)
	}
	if !report.OK() {
		return errQuiet
	}
	return nil
}

// printImport tells what was done; what is wrong as FILE:LINE: …, as compilers
// do.
func printImport(out, errOut io.Writer, name string, r catalog.ImportReport) {
	for _, p := range r.Problems {
		at := name
		if p.Line > 0 {
			at = fmt.Sprintf("%s:%d", name, p.Line)
			p.Line = 0
		}
		fmt.Fprintf(errOut, "%s: %s\n", at, p)
	}
	if n := len(r.Problems) + r.More; n > 0 {
		more := ""
		if r.More > 0 {
			more = fmt.Sprintf(", of which %s are not shown", count(uint64(r.More)))
		}
		fmt.Fprintf(errOut, "frostline: %s problems%s: nothing was imported\n", count(uint64(n)), more)
		return
	}
	note := ""
	if r.DryRun {
		note = "; this was a dry run, and nothing was done"
	}
	placed := ""
	if r.Placed > 0 {
		placed = fmt.Sprintf(", %s placed", count(uint64(r.Placed)))
	}
	fmt.Fprintf(out, "%s: %s new, %s changed, %s as before%s%s\n", r.Kind, count(uint64(r.Created)), count(uint64(r.Changed)), count(uint64(r.Unchanged)), placed, note)
}
