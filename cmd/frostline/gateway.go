package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/proto/mandate"
)

func init() { more = append(more, gatewayCommand) }

func gatewayCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "Say what a gateway is to run, and ask it to do something",
		Long: `gateway tells a gateway what to be and do, signed by this hub. Who asked for
what, when and why is kept, and so is what the gateway said to it.`,
		Example: "  frostline gateway config van-1\n  frostline gateway identify van-1 --for 1m",
		Args:    args(0, 0, "a command"),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(configCommand(o),
		askCommand(o, mandate.Identify, "Have a gateway show itself on the spot", "A gateway that shows itself says so on its own page.", "  frostline gateway identify van-1 --for 1m", mandate.DefaultIdentify),
		askCommand(o, mandate.Restart, "Have a gateway's agent start again", "The agent keeps what it has taken, ends and starts again.", "  frostline gateway restart van-1 --reason \"clock source replaced\"", 0),
		askCommand(o, mandate.Diagnostics, "Have a gateway examine itself", "The gateway runs its doctor, and the report is printed.", "  frostline gateway diagnostics van-1", 0),
		askCommand(o, mandate.LogLevel, "Have a gateway log more or less for a while", "The usual level comes back by itself.", "  frostline gateway log-level van-1 debug --for 30m", mandate.DefaultLogLevel))
	return cmd
}

// answerWithin is how long a gateway that is connected may take to answer.
const answerWithin = 20 * time.Second

func configCommand(o *options) *cobra.Command {
	var file, reason string
	cmd := &cobra.Command{
		Use:   "config GATEWAY [--file FILE]",
		Short: "Show or set what a gateway is to run",
		Long: `config shows the desired state of a gateway and what the gateway says to it. With
--file it sets another, whole: YAML such as

  sensors:
    - id: fridge-1
      interval: 5s

A sensor is named by its id in the gateway's own file, and what is left out stays
as it is there; a sensor that the file does not have is given with driver and bus.
The gateway takes it whole or refuses it whole, and goes back by itself where it
gets nothing acknowledged under it. "-" reads standard input.

After a line that says so, the hub itself adds the storage profiles of packages
that are or will be beside the gateway, and its vehicle's next stop. What is set
with --file leaves that alone. A field that is given is not added to: "packages:
[]" has a gateway told of none.`,
		Example: "  frostline gateway config van-1\n  frostline gateway config van-1 --file van-1.yaml --reason \"summer: every 5 s\"",
		Args:    gatewayArg,
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			var now api.GatewayConfig
			if file == "" {
				now, err = hub.GatewayConfig(c.Context(), args[0])
			} else {
				now, err = setConfig(c.Context(), hub, args[0], file, reason, c.InOrStdin())
			}
			if err != nil {
				return err
			}
			if o.json {
				err = printJSON(c.OutOrStdout(), now)
			} else {
				err = printConfig(c.OutOrStdout(), now, file == "")
			}
			if err == nil && file != "" && now.Running != now.Version && now.Refused == now.Version {
				return errQuiet
			}
			return err
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "document to set; - for standard input")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the trail")
	return cmd
}

// setConfig sets a document and waits a little for the gateway's answer.
func setConfig(ctx context.Context, hub *api.Client, gateway, file, reason string, stdin io.Reader) (api.GatewayConfig, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return api.GatewayConfig{}, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, mandate.MaxDocument+1))
	if err != nil {
		return api.GatewayConfig{}, fmt.Errorf("read %s: %w", file, err)
	}
	if len(text) > mandate.MaxDocument {
		return api.GatewayConfig{}, usageError{fmt.Errorf("--file %s: want at most %d bytes", file, mandate.MaxDocument)}
	}
	now, err := hub.SetGatewayConfig(ctx, gateway, string(text), reason)
	if err != nil {
		return now, err
	}
	version := now.Version
	err = until(ctx, func() (bool, error) {
		now, err = hub.GatewayConfig(ctx, gateway)
		return now.Running >= version || now.Refused >= version || now.Stranger || now.Keyless, err
	})
	return now, err
}

// until asks again until done, or for as long as somebody may take to answer.
func until(ctx context.Context, done func() (bool, error)) error {
	limit := time.NewTimer(answerWithin)
	defer limit.Stop()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return nil
		case <-tick.C:
		}
	}
}

func printConfig(w io.Writer, c api.GatewayConfig, whole bool) error {
	var b strings.Builder
	switch {
	case c.Version == 0:
		fmt.Fprintf(&b, "%s has no desired state: it runs its own file\n", c.Gateway)
	default:
		fmt.Fprintf(&b, "%s is to run version %d, set %s by %s\n", c.Gateway, c.Version, moment(time.UnixMilli(c.Set).UTC().Format(time.RFC3339)), c.Actor)
	}
	runs := "its own file alone"
	if c.Running != 0 {
		runs = fmt.Sprintf("version %d", c.Running)
	}
	switch {
	case c.Told == 0:
		fmt.Fprintln(&b, "it has not said yet what it runs")
	case c.Trial:
		fmt.Fprintf(&b, "it runs %s, on trial until a block of it is acknowledged\n", runs)
	default:
		fmt.Fprintf(&b, "it runs %s\n", runs)
	}
	if c.Refused != 0 {
		fmt.Fprintf(&b, "it refused version %d: %s\n", c.Refused, c.Why)
	}
	if c.Stranger {
		fmt.Fprintln(&b, "it trusts another hub's key and obeys nothing: enrol it again")
	}
	if c.Keyless {
		fmt.Fprintln(&b, "it has no key of this hub yet: it gets it with its next renewal, or when it is enrolled again")
	}
	if whole && c.Version > 0 {
		fmt.Fprintf(&b, "\n%s", c.Document)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func askCommand(o *options, kind, short, long, example string, span time.Duration) *cobra.Command {
	var within time.Duration
	var reason string
	use, most, want := kind+" GATEWAY", 1, "one gateway"
	if kind == mandate.LogLevel {
		use, most, want = kind+" GATEWAY "+strings.Join(mandate.Levels, "|"), 2, "a gateway and a level"
	}
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example,
		Long: kind + ` asks a gateway to do it once, within two minutes. ` + long + `
It ends with status 1 where the gateway did not do it or has not answered.`,
		Args: func(c *cobra.Command, given []string) error {
			if err := args(most, most, want)(c, given); err != nil {
				return err
			}
			return gatewayArg(c, given[:1])
		},
		RunE: func(c *cobra.Command, args []string) error {
			words := args[1:]
			if span > 0 {
				words = append(words, within.String())
			}
			if _, err := mandate.ParseArgument(kind, strings.Join(words, " ")); err != nil {
				return usageError{err}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			asked, err := hub.CommandGateway(c.Context(), args[0], kind, strings.Join(words, " "), reason)
			if err != nil {
				return err
			}
			if err := await(c.Context(), hub, &asked); err != nil {
				return err
			}
			if o.json {
				err = printJSON(c.OutOrStdout(), asked)
			} else {
				err = printAnswer(c.OutOrStdout(), asked)
			}
			if err == nil && !asked.Done {
				return errQuiet
			}
			return err
		},
	}
	if span > 0 {
		cmd.Flags().DurationVar(&within, "for", span, "for how long")
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the trail")
	return cmd
}

// await waits for what comes of a command, for as long as it may be begun, and
// done.
func await(ctx context.Context, hub *api.Client, asked *api.GatewayCommand) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for range 9 {
		err := until(ctx, func() (bool, error) {
			now, err := hub.GatewayCommand(ctx, asked.Gateway, asked.Number)
			if err == nil {
				*asked = now
			}
			return now.Answered != 0 && (now.Done || !strings.HasPrefix(now.Detail, "begun")), err
		})
		settled := asked.Answered != 0 && (asked.Done || !strings.HasPrefix(asked.Detail, "begun"))
		if settled || err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if time.Now().UnixMilli() > asked.Expires && asked.Answered == 0 || ctx.Err() != nil {
			return nil
		}
	}
	return nil
}

func printAnswer(w io.Writer, c api.GatewayCommand) (err error) {
	switch {
	case c.Answered == 0:
		_, err = fmt.Fprintf(w, "%s has not answered; it does not begin that any more\n", c.Gateway)
	case !c.Done:
		_, err = fmt.Fprintf(w, "%s did not do it: %s\n", c.Gateway, c.Detail)
	default:
		_, err = fmt.Fprintf(w, "%s: %s\n", c.Gateway, c.Detail)
	}
	if err == nil && c.Report != "" {
		_, err = fmt.Fprintf(w, "\n%s", c.Report)
	}
	return err
}
