package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/hub/view"
)

func init() { more = append(more, tokenCommand) }

func tokenCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Keep the tokens by which programs use the hub's interface",
		Long: `token makes and revokes bearer tokens. A token speaks for a person or a partner,
can do what its scopes say, and ends by itself. The hub keeps no secret: a token
is printed once.`,
		Example: `  frostline token create "dock scanner 3" --person bob --scope read --scope write
  frostline token create "courier feed" --partner fast-3pl --scope read --days 30
  frostline token revoke k3jd8s2p --reason "scanner lost"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(tokenCreate(o), tokenList(o), tokenRevoke(o))
	return cmd
}

func tokenCreate(o *options) *cobra.Command {
	var person, partner string
	var t api.NewToken
	var days int
	cmd := &cobra.Command{
		Use:   "create NAME (--person ID | --partner ID) --scope SCOPE",
		Short: "Make a token and print it, once",
		Long: `create makes a token. NAME says what it is for. Scopes are read, write, qa
and admin, epcis:capture and epcis:query for the EPCIS interface, and verify for
the verification of product identifiers; none
implies another. A person's token can have those that the person's roles allow, a
partner's all but qa and admin.`,
		Example: `  frostline token create "dock scanner 3" --person bob --scope read --scope write`,
		Args:    args(1, 1, "one name"),
		RunE: func(c *cobra.Command, args []string) error {
			if (person == "") == (partner == "") || len(t.Scopes) == 0 {
				return usageError{errors.New("say whom it speaks for, by --person ID or --partner ID, and what it can do, by --scope")}
			}
			if days < 1 || days > 730 {
				return usageError{fmt.Errorf("--days %d: want 1 to 730", days)}
			}
			t.Name, t.Actor, t.LifeMs = args[0], "person/"+person, (time.Duration(days) * 24 * time.Hour).Milliseconds()
			if partner != "" {
				t.Actor = "partner/" + partner
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			made, err := hub.NewToken(c.Context(), t)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), made)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "Token %s for %s, to %s, until %s. It is not shown again:\n\n  %s\n",
				made.ID, made.Actor, strings.Join(made.Scopes, ", "), moment(view.Stamp(made.Expires)), made.Secret)
			return err
		},
	}
	cmd.Flags().StringVar(&person, "person", "", "id of the person that it speaks for")
	cmd.Flags().StringVar(&partner, "partner", "", "id of the partner that it speaks for")
	cmd.Flags().StringSliceVar(&t.Scopes, "scope", nil, "what it can do (required)")
	cmd.Flags().IntVar(&days, "days", 90, "how long it is good for")
	return cmd
}

func tokenList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List tokens, without their secrets", Args: args(0, 0, "no arguments"),
		Example: "  frostline token list",
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			all, err := hub.Tokens(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), all)
			}
			if len(all) == 0 {
				_, err := fmt.Fprintln(c.OutOrStdout(), "There is no token yet. Make one with: frostline token create NAME --person ID --scope SCOPE")
				return err
			}
			t := table{heads: []string{"ID", "NAME", "FOR", "SCOPES", "STATE", "USED"}}
			for _, tok := range all {
				state := "until " + moment(view.Stamp(tok.Expires))
				switch {
				case tok.Revoked != 0:
					state = "revoked " + moment(view.Stamp(tok.Revoked))
				case tok.Expires <= time.Now().UnixMilli():
					state = "over since " + moment(view.Stamp(tok.Expires))
				}
				used := "never"
				if tok.Used != 0 {
					used = ago(view.Stamp(tok.Used))
				}
				t.add(tok.ID, tok.Name, tok.Actor, strings.Join(tok.Scopes, ", "), state, used)
			}
			return t.print(c.OutOrStdout())
		},
	}
}

func tokenRevoke(o *options) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "revoke ID --reason TEXT", Short: "End a token at once",
		Example: "  frostline token revoke k3jd8s2p --reason \"scanner lost\"",
		Args:    args(1, 1, "the id of one token"),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return usageError{errors.New("--reason is missing: say why, such as --reason \"scanner lost\"; it is kept in the trail")}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			tok, err := hub.RevokeToken(c.Context(), args[0], reason)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), tok)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s (%s) is revoked.\n", tok.ID, tok.Name)
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, kept in the trail (required)")
	return cmd
}
