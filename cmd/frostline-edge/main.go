// Command frostline-edge is the gateway agent: it reads sensors, keeps every
// reading until the hub has it safe, and says how it is doing.
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

// exitCode lets a command choose its exit status without a message.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run gives 0 for success, 1 for failure and 2 for a wrong call.
func run(args []string, out, errOut io.Writer) int {
	root := &cobra.Command{
		Use:   "frostline-edge",
		Short: "Reads sensors, keeps every reading, and carries it to the hub",
		Long: `frostline-edge is the agent of a Frostline gateway. It reads temperature and
location sensors, keeps every reading on this device until the hub has it safe,
and sends it over MQTT when there is a network.`,
		Example: `  frostline-edge enrol --hub https://hub.example:8884 --code FL-...
  frostline-edge doctor
  frostline-edge run --config /etc/frostline/gateway.yaml`,
		Version: version.String(), SilenceErrors: true, SilenceUsage: true,
	}
	var o options
	root.PersistentFlags().StringVar(&o.config, "config", "", "configuration file (default: "+packaged+" if it is there; else none, and what is found is used)")
	root.PersistentFlags().StringVar(&o.data, "data", "", "directory of journal, keys and socket (overrides the configuration)")
	root.PersistentFlags().StringVar(&o.level, "log-level", "info", "debug, info, warn or error")
	root.AddCommand(runCommand(&o), enrolCommand(&o), doctorCommand(&o), statusCommand(&o), alarmsCommand(&o), scanCommand(&o), scansCommand(&o), linkCommand(&o), checkCommand(&o), recordCommand(&o), gnssCommand(), journalCommand(&o), configCommand(&o), guardTrialCommand(&o))
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
	})
	err := root.Execute()
	var code exitCode
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(errOut, "frostline-edge: %v\n", err)
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// signals gives a context that ends at the first SIGINT or SIGTERM, to stop
// in order, and one that ends at the second, to stop waiting.
func signals() (first, second context.Context, stop func()) {
	first, endFirst := context.WithCancel(context.Background())
	second, endSecond := context.WithCancel(context.Background())
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-c
		endFirst()
		<-c
		endSecond()
	}()
	return first, second, func() { signal.Stop(c); endFirst(); endSecond() }
}

func logger(level string, w io.Writer) (*slog.Logger, error) {
	log, _, err := variableLogger(level, w)
	return log, err
}

// variableLogger is a logger whose level may be changed.
func variableLogger(level string, w io.Writer) (*slog.Logger, *slog.LevelVar, error) {
	l := &slog.LevelVar{}
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, nil, usageError{fmt.Errorf("--log-level %q: want debug, info, warn or error", level)}
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), l, nil
}
