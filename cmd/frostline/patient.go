package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"frostline/hub/privacy"
	"frostline/hub/view"
)

func init() { more = append(more, patientCommand) }

func patientCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "patient",
		Short: "Keep the links by which patients follow their deliveries",
		Long: `patient makes and revokes links. Whoever opens one is asked for the ZIP code or the
year of birth that it was made with; of that the hub keeps a keyed hash alone. A
link ends by itself, after five wrong answers, and when it is revoked.`,
		Example: `  frostline patient link SH-1007 --zip 98004
  frostline patient list SH-1007
  frostline patient revoke k3jd8s2p --reason "sent to the wrong number"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(patientLink(o), patientList(o), patientRevoke(o))
	return cmd
}

func patientLink(o *options) *cobra.Command {
	var zip, year string
	var hours int64
	cmd := &cobra.Command{
		Use:   "link SHIPMENT (--zip CODE | --birth-year YEAR)",
		Short: "Make a link and print it, once",
		Example: `  frostline patient link SH-1007 --zip 98004
  frostline patient link SH-1007 --birth-year 1957 --hours 48`,
		Args: args(1, 1, "the id of one shipment"),
		RunE: func(c *cobra.Command, args []string) error {
			factor, answer := privacy.ZIP, zip
			if year != "" {
				factor, answer = privacy.BirthYear, year
			}
			if (zip == "") == (year == "") {
				return usageError{errors.New("say what the link asks for: --zip CODE or --birth-year YEAR")}
			}
			if hours < 1 || hours > 744 {
				return usageError{fmt.Errorf("--hours %d: want 1 to 744", hours)}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			made, err := hub.NewPatientLink(c.Context(), args[0], factor, answer, hours)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), made)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "Link %s to shipment %s, until %s. It asks for the patient's %s. It is not shown again:\n\n  %s\n",
				made.Link.ID, made.Link.Shipment, moment(view.Stamp(made.Link.Expires)), asks(factor), made.URL)
			return err
		},
	}
	cmd.Flags().StringVar(&zip, "zip", "", "the patient's ZIP code, which the link asks for")
	cmd.Flags().StringVar(&year, "birth-year", "", "the patient's year of birth, which the link asks for")
	cmd.Flags().Int64Var(&hours, "hours", int64(privacy.Life.Hours()), "how long it is good for")
	return cmd
}

func asks(f privacy.Factor) string {
	if f == privacy.BirthYear {
		return "year of birth"
	}
	return "ZIP code"
}

func patientList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list SHIPMENT", Short: "List the links of a shipment, without their secrets",
		Example: "  frostline patient list SH-1007",
		Args:    args(1, 1, "the id of one shipment"),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			all, err := hub.PatientLinks(c.Context(), args[0])
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), all)
			}
			if len(all) == 0 {
				_, err := fmt.Fprintf(c.OutOrStdout(), "There is no link to shipment %s. Make one with: frostline patient link %s --zip CODE\n", args[0], args[0])
				return err
			}
			t := table{heads: []string{"ID", "STATE", "ASKS FOR", "MADE BY", "UNTIL", "OPENED", "WRONG ANSWERS"}}
			for _, k := range all {
				opened := "never"
				if k.Opened != 0 {
					opened = ago(view.Stamp(k.Opened))
				}
				t.add(k.ID, k.State, asks(k.Factor), k.By, moment(view.Stamp(k.Expires)), opened, fmt.Sprint(k.Wrong))
			}
			return t.print(c.OutOrStdout())
		},
	}
}

func patientRevoke(o *options) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "revoke ID --reason TEXT", Short: "End a link at once, also for those who look just now",
		Example: "  frostline patient revoke k3jd8s2p --reason \"sent to the wrong number\"",
		Args:    args(1, 1, "the id of one link"),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return usageError{errors.New("--reason is missing: say why, such as --reason \"sent to the wrong number\"; it is kept in the trail")}
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			var k privacy.Link
			if k, err = hub.RevokePatientLink(c.Context(), args[0], reason); err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), k)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is revoked.\n", k.ID)
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, kept in the trail (required)")
	return cmd
}
