package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/hub/people"
	"frostline/hub/view"
)

func userInvite(o *options) *cobra.Command {
	in := api.NewLink{Kind: people.InviteLink}
	first := false
	cmd := &cobra.Command{
		Use:   "invite --role ROLE",
		Short: "Make a link by which somebody enters themselves",
		Long: `invite prints a link to the pages. Whoever opens it enters themselves, with the
roles that are given here, and sets up a passkey or a password that nobody else
has seen. It is good once, for 24 hours. With --first it makes the first
administrator, while nobody is entered: the hub prints such a link at its start.`,
		Example: `  frostline user invite --role qa --id ann --name "Ann Example"
  frostline user invite --first`,
		Args: args(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if first {
				in = api.NewLink{Kind: people.FirstLink}
			} else if len(in.Roles) == 0 {
				return usageError{errors.New("--role is needed, such as --role qa")}
			}
			return o.link(c, in)
		},
	}
	cmd.Flags().StringSliceVar(&in.Roles, "role", nil, "what the person does (required, but with --first)")
	cmd.Flags().StringVar(&in.Person, "id", "", "their id (default: they choose)")
	cmd.Flags().StringVar(&in.Name, "name", "", "printed beside signatures (default: they choose)")
	cmd.Flags().BoolVar(&first, "first", false, "make the first administrator")
	return cmd
}

func userLink(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "link ID",
		Short: "Make a link by which a person signs in once",
		Long: `link prints a link that signs a person in once, within an hour: as when they have
lost their passkey or the phone with their codes. It takes no password; give it
to nobody else.`,
		Example: "  frostline user link ann",
		Args:    args(1, 1, "one id"),
		RunE: func(c *cobra.Command, args []string) error {
			return o.link(c, api.NewLink{Kind: people.SignInLink, Person: args[0]})
		},
	}
}

// link makes a link and prints it.
func (o *options) link(c *cobra.Command, in api.NewLink) error {
	hub, err := o.hub()
	if err != nil {
		return err
	}
	l, err := hub.NewLink(c.Context(), in)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(c.OutOrStdout(), l)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s\ngood once, until %s\n", l.URL, moment(view.Stamp(l.Expires)))
	return err
}
