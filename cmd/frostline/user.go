package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"frostline/hub/api"
	"frostline/hub/people"
	"frostline/hub/view"
)

func init() { more = append(more, userCommand) }

func userCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Keep the people who work with the hub, and their passwords",
		Long: `user keeps who may sign and whom tokens speak for. Nobody is removed: what they
signed names them. Each change is kept with who made it.`,
		Example: `  frostline user invite --role qa
  frostline user add ann --name "Ann Example" --role qa
  frostline user list
  frostline user disable ann --reason "left the company"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(userInvite(o), userLink(o), userAdd(o), userList(o), userRoles(o), userPassword(o), userTurn(o, "disable"), userTurn(o, "enable"), userTrail(o))
	return cmd
}

func userAdd(o *options) *cobra.Command {
	var p api.NewPerson
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "add ID --name NAME --role ROLE",
		Short: "Enter a person with a password",
		Long: `add enters a person. NAME is printed beside their signatures. Roles are qa,
qa_approver, pharmacist, dispatcher, driver, warehouse, auditor, operator and
admin; give
--role once for each. The password is asked for, or read from a pipe.`,
		Example: `  frostline user add ann --name "Ann Example" --role qa --role auditor
  pass show ann | frostline user add ann --name "Ann Example" --role qa --password-stdin`,
		Args: args(1, 1, "one id"),
		RunE: func(c *cobra.Command, args []string) error {
			if p.Name == "" || len(p.Roles) == 0 {
				return usageError{errors.New("--name and --role are needed, such as --name \"Ann Example\" --role qa")}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			if p.Password, err = newPassword(c, fromStdin); err != nil {
				return err
			}
			p.ID = args[0]
			added, err := hub.AddPerson(c.Context(), p)
			return o.person(c, added, err, "is entered, as "+strings.Join(p.Roles, ", "))
		},
	}
	cmd.Flags().StringVar(&p.Name, "name", "", "printed beside signatures (required)")
	cmd.Flags().StringSliceVar(&p.Roles, "role", nil, "what the person does (required)")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input, one line")
	return cmd
}

// person prints what became of a change.
func (o *options) person(c *cobra.Command, p people.Person, err error, done string) error {
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(c.OutOrStdout(), p)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s (%s) %s.\n", p.ID, p.Name, done)
	return err
}

func userList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List people", Args: args(0, 0, "no arguments"),
		Example: "  frostline user list",
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			all, err := hub.People(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), all)
			}
			if len(all) == 0 {
				_, err := fmt.Fprintln(c.OutOrStdout(), "Nobody is entered yet. Enter somebody with: frostline user add ID --name NAME --role ROLE")
				return err
			}
			t := table{heads: []string{"ID", "NAME", "ROLES", "STATE", "SINCE"}}
			for _, p := range all {
				state := "enabled"
				if p.Disabled != 0 {
					state = "disabled " + moment(view.Stamp(p.Disabled))
				}
				t.add(p.ID, p.Name, strings.Join(p.Roles, ", "), state, moment(view.Stamp(p.Created)))
			}
			return t.print(c.OutOrStdout())
		},
	}
}

func userRoles(o *options) *cobra.Command {
	var roles []string
	cmd := &cobra.Command{
		Use: "roles ID --role ROLE", Short: "Give a person other roles",
		Long:    "roles replaces the roles of a person. Tokens of theirs can then do what both the token and the roles allow.",
		Example: "  frostline user roles ann --role qa_approver",
		Args:    args(1, 1, "one id"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(roles) == 0 {
				return usageError{errors.New("--role is needed, such as --role qa_approver")}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			p, err := hub.ChangePerson(c.Context(), args[0], "roles", api.PersonChange{Roles: roles})
			return o.person(c, p, err, "is now "+strings.Join(roles, ", "))
		},
	}
	cmd.Flags().StringSliceVar(&roles, "role", nil, "what the person does (required)")
	return cmd
}

func userPassword(o *options) *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use: "password ID", Short: "Give a person another password",
		Example: "  frostline user password ann",
		Args:    args(1, 1, "one id"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			password, err := newPassword(c, fromStdin)
			if err != nil {
				return err
			}
			p, err := hub.ChangePerson(c.Context(), args[0], "password", api.PersonChange{Password: password})
			return o.person(c, p, err, "has a new password")
		},
	}
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input, one line")
	return cmd
}

func userTurn(o *options, what string) *cobra.Command {
	short := "Take signing and tokens from a person"
	if what == "enable" {
		short = "Give a person back what disable took"
	}
	var reason string
	cmd := &cobra.Command{
		Use: what + " ID --reason TEXT", Short: short,
		Example: "  frostline user " + what + " ann --reason \"on leave\"",
		Args:    args(1, 1, "one id"),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return usageError{errors.New("--reason is missing: say why, such as --reason \"on leave\"; it is kept in the trail")}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			p, err := hub.ChangePerson(c.Context(), args[0], what, api.PersonChange{Reason: reason})
			return o.person(c, p, err, "is "+what+"d")
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, kept in the trail (required)")
	return cmd
}

func userTrail(o *options) *cobra.Command {
	var after int64
	cmd := &cobra.Command{
		Use: "trail", Short: "List who changed people and tokens", Args: args(0, 0, "no arguments"),
		Example: "  frostline user trail",
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			trail, err := hub.PeopleTrail(c.Context(), after)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), trail)
			}
			t := table{heads: []string{"ENTRY", "AT", "BY", "WHAT", "WHOM", "DETAIL"}, right: []bool{true}}
			for _, e := range trail {
				t.add(fmt.Sprint(e.ID), moment(view.Stamp(e.At)), e.Actor, strings.ReplaceAll(e.Action, "_", " "), e.Subject, e.Detail)
			}
			return t.print(c.OutOrStdout())
		},
	}
	cmd.Flags().Int64Var(&after, "after", 0, "begin after this entry")
	return cmd
}

// maxLine is the longest password that is read, and some.
const maxLine = 4096

// newPassword asks for a password twice, or reads one line of standard input.
func newPassword(c *cobra.Command, fromStdin bool) (string, error) {
	in := c.InOrStdin()
	if fromStdin {
		line, err := bufio.NewReader(io.LimitReader(in, maxLine)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errors.New("standard input has no password; write it there as one line")
		}
		return line, nil
	}
	tty, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(tty.Fd())) {
		return "", usageError{errors.New("standard input is no terminal to ask for a password; pass it with --password-stdin")}
	}
	var typed [2]string
	for i, prompt := range []string{"Password (at least 12 characters): ", "The same again: "} {
		fmt.Fprint(c.ErrOrStderr(), prompt)
		b, err := term.ReadPassword(int(tty.Fd()))
		fmt.Fprintln(c.ErrOrStderr())
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		typed[i] = string(b)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return typed[0], nil
}
