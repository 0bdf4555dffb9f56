// Command frostline-hub takes in what gateways send, commits and acknowledges
// it, and shows it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"frostline/proto/version"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run gives 0 for success, 1 for failure and 2 for a wrong call.
func run(args []string, out, errOut io.Writer) int {
	root := &cobra.Command{
		Use:     "frostline-hub",
		Short:   "Takes in readings, commits and acknowledges them, and shows them",
		Version: version.String(), SilenceErrors: true, SilenceUsage: true,
	}
	root.AddCommand(serveCommand(errOut))
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
	})
	if err := root.Execute(); err != nil {
		fmt.Fprintf(errOut, "frostline-hub: %v\n", err)
		if errors.As(err, new(usageError)) {
			return 2
		}
		return 1
	}
	return 0
}

func serveCommand(errOut io.Writer) *cobra.Command {
	var file string
	set := defaults()
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the hub until SIGINT or SIGTERM; a second signal stops at once",
		Long: `serve runs the hub. Without a configuration file it keeps everything in
frostline-data/hub, uses SQLite and the embedded broker, and listens on loopback
only. It says at the start what it assumed.`,
		Example: `  frostline-hub serve
  frostline-hub serve --public hub.example --data /var/lib/frostline/hub
  frostline-hub serve --config /etc/frostline/hub.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(file)
			if err != nil {
				return usageError{err}
			}
			for name, field := range map[string]*string{
				"data": &c.Data, "store": &c.Store, "public": &c.Public, "web": &c.Web, "mqtt": &c.MQTT,
				"enrol": &c.Enrol, "broker": &c.Broker.URL, "log-level": &c.LogLevel,
			} {
				if f := cmd.Flags().Lookup(name); f.Changed {
					*field = f.Value.String()
				}
			}
			assumed := c.complete()
			if err := c.validate(); err != nil {
				return usageError{fmt.Errorf("configuration: %w", err)}
			}
			var level slog.Level
			if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
				return usageError{err}
			}
			log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: level}))
			for _, a := range assumed {
				log.Info("assumed", "setting", a)
			}
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			signals := make(chan os.Signal, 2)
			signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
			defer signal.Stop(signals)
			done := make(chan error, 1)
			go func() { done <- serve(ctx, c, log) }()
			select {
			case err := <-done:
				return err
			case <-signals:
				log.Info("stopping; a second signal stops at once")
				stop()
			}
			select {
			case err := <-done:
				return err
			case <-signals:
				return errors.New("stopped before everything had ended; what was acknowledged is safe")
			}
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "config", "", "configuration file (default: none)")
	f.String("data", set.Data, "directory of everything the hub keeps")
	f.String("store", "", "sqlite:PATH or postgres://USER@HOST/DATABASE (default SQLite in the data directory)")
	f.String("public", "", "host name or address by which gateways reach this hub; opens MQTT and enrolment to the network")
	f.String("web", set.Web, "address of the pages; loopback only, unless tls is configured")
	f.String("mqtt", "", "address of the embedded broker (default port 8883)")
	f.String("enrol", "", "address of the enrolment listener (default port 8884)")
	f.String("broker", "", "external broker: nats://, tls://, mqtt:// or mqtts:// HOST:PORT (default embedded)")
	f.String("log-level", set.LogLevel, "debug, info, warn or error")
	return cmd
}
