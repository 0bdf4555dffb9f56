package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"frostline/proto/topic"
)

func gatewayArg(c *cobra.Command, given []string) error {
	if err := args(1, 1, "one gateway")(c, given); err != nil {
		return err
	}
	if err := topic.CheckGateway(given[0]); err != nil {
		return usageError{err}
	}
	return nil
}

func enrolCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "enrol GATEWAY",
		Short: "Make a one-time code by which a gateway is admitted",
		Long: `enrol makes a code that admits one gateway, once, within an hour. Enter the
command it prints on the gateway: that makes its own keys, which never leave it,
and gets a certificate from this hub. A code that was not used is withdrawn by
the next one. A gateway that was enrolled before is enrolled anew.`,
		Example: "  frostline enrol site-1",
		Args:    gatewayArg,
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			code, err := hub.Code(c.Context(), args[0])
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), code)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "Code for %s, good once and until %s:\n\n  %s\n\nOn the gateway, enter:\n\n  %s\n",
				code.Gateway, moment(code.Expires), code.Code, code.Command)
			return err
		},
	}
}

func revokeCommand(o *options) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "revoke GATEWAY --reason TEXT",
		Short: "Take a gateway's right to connect away",
		Long: `revoke voids a gateway's certificates and ends its connection within seconds.
What it has sent stays. The reason is kept with the revocation. To admit it
again, make a new code with enrol.`,
		Example: `  frostline revoke van-14 --reason "stolen from the yard"`,
		Args:    gatewayArg,
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return usageError{fmt.Errorf("--reason is missing: say why, such as --reason \"stolen from the yard\"; it is kept with the revocation")}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			if err := hub.Revoke(c.Context(), args[0], reason); err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), map[string]string{"gateway": args[0], "revoked_for": reason})
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is revoked: its certificates are void and its connection is ended.\n", args[0])
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, kept with the revocation (required)")
	return cmd
}
