package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"frostline/hub/dispatch/manifest"
	"frostline/hub/fact"
)

// dispatched stands for what dispatch keeps, which is no record of the catalog.
const dispatched fact.Kind = "dispatch"

// dispatch imports places, couriers, jobs or routes.
func (f *importFlags) dispatch(c *cobra.Command, o *options, args []string) error {
	kind := args[0]
	switch {
	case f.example:
		_, err := io.WriteString(c.OutOrStdout(), manifest.Example(kind))
		return err
	case f.columns:
		t := table{heads: []string{"COLUMN", "", "WHAT", "EXAMPLE"}}
		for _, col := range manifest.Columns(kind) {
			needed := ""
			if col.Required {
				needed = "needed"
			}
			t.add(col.Name, needed, col.Help, col.Example)
		}
		return t.print(c.OutOrStdout())
	case len(args) < 2:
		return usageError{fmt.Errorf("name a file, or - for standard input; see %s --help", c.CommandPath())}
	}
	return f.send(c, o, dispatched, "dispatch/"+kind, args[1])
}
