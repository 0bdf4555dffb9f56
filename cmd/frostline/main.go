// Command frostline asks and instructs a hub on the same machine: which
// gateways there are and how they do, what they measured, whether every
// reading is accounted for, and who may connect.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/proto/version"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// usageError is a call that cannot be carried out as it was written.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// errQuiet ends with status 1 after everything was said.
var errQuiet = errors.New("")

// options are those of all commands.
type options struct {
	socket string
	json   bool
}

// more are the commands of other files than this one.
var more []func(*options) *cobra.Command

// run gives 0 for success, 1 for failure and 2 for a wrong call.
func run(args []string, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	root := &cobra.Command{
		Use:   "frostline",
		Short: "Asks and instructs a Frostline hub on this machine",
		Long: `frostline asks and instructs a hub on the same machine, over a Unix socket that
file permissions guard: run it as the user the hub runs as.`,
		Example: `  frostline gateways
  frostline account
  frostline history site-1/zone-a-air/temperature --from -2h > zone-a.csv`,
		Version: version.String(), SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.PersistentFlags().StringVar(&o.socket, "socket", "", "the hub's socket (default $FROSTLINE_SOCKET, else "+candidates[0]+", else "+candidates[1]+")")
	root.PersistentFlags().BoolVar(&o.json, "json", false, "answer as JSON, for programs")
	root.AddCommand(gatewaysCommand(&o), tailCommand(&o), accountCommand(&o), historyCommand(&o),
		enrolCommand(&o), revokeCommand(&o), brokerConfigCommand(&o), healthCommand(&o), versionCommand(&o))
	for _, make := range more {
		root.AddCommand(make(&o))
	}
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
	})
	root.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		return usageError{fmt.Errorf("%q is no command; frostline --help lists them", args[0])}
	}
	root.Args = cobra.ArbitraryArgs
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errQuiet):
		return 1
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(errOut, "frostline: stopped")
		return 1
	}
	fmt.Fprintf(errOut, "frostline: %v\n", err)
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

// args says in words what is wrong with the number of arguments.
func args(least, most int, want string) cobra.PositionalArgs {
	return func(c *cobra.Command, got []string) error {
		if len(got) < least || len(got) > most {
			return usageError{fmt.Errorf("%s takes %s, and was given %d arguments; see %s --help", c.CommandPath(), want, len(got), c.CommandPath())}
		}
		return nil
	}
}

func versionCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this program", Args: args(0, 0, "no arguments"),
		Example: "  frostline version",
		RunE: func(c *cobra.Command, _ []string) error {
			if o.json {
				return printJSON(c.OutOrStdout(), map[string]string{"version": version.String()})
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), "frostline", version.String())
			return err
		},
	}
}

func healthCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "health", Short: "Say how the hub is doing", Args: args(0, 0, "no arguments"),
		Long:    "health asks each part of the hub how it is doing. It ends with status 1 if one is failing.",
		Example: "  frostline health",
		RunE: func(c *cobra.Command, _ []string) error {
			client, err := o.hub()
			if err != nil {
				return err
			}
			h, err := client.Health(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				err = printJSON(c.OutOrStdout(), h)
			} else {
				err = printHealth(c.OutOrStdout(), h)
			}
			if err == nil && h.Status != "ok" {
				return errQuiet
			}
			return err
		},
	}
}

func printHealth(w io.Writer, h api.Health) error {
	t := table{heads: []string{"PART", "STATE"}}
	t.add("hub "+h.Version, h.Status+", since "+moment(h.Started))
	for _, name := range sorted(h.Checks) {
		t.add(name, h.Checks[name])
	}
	if h.Pages != "" {
		t.add("pages", h.Pages)
	}
	return t.print(w)
}
