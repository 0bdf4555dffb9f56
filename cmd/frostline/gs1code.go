package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"frostline/proto/gs1"
)

func gs1Check() *cobra.Command {
	rule := "csum"
	cmd := &cobra.Command{
		Use: "check VALUE|-", Short: "Check a value by a rule of the dictionary",
		Long: `check applies one rule of the GS1 Syntax Dictionary to a value: csum, unless
--rule names another, which is the check digit of GTIN, SSCC, GLN and the like.
The rules are ` + strings.Join(gs1.Rules(), ", ") + `.`,
		Example: `  frostline gs1 check 00300021433802
  frostline gs1 check --rule yymmdd 270630`,
		Args: args(1, 1, "one value, or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(gs1.Rules(), rule) {
				return usageError{fmt.Errorf("--rule %q: want one of %s", rule, strings.Join(gs1.Rules(), ", "))}
			}
			return gs1Each(cmd, args[0], func(value string) (any, error) {
				return map[string]bool{"ok": true}, gs1.Check(rule, value)
			})
		},
	}
	cmd.Flags().StringVar(&rule, "rule", rule, "name of the rule")
	return cmd
}

func gs1Translate() *cobra.Command {
	var prefix gs1Prefix
	cmd := &cobra.Command{
		Use: "translate URN|LINK|-", Short: "Turn an EPC URN into a digital link, or back",
		Long: `translate turns an EPC URN into a digital link and a digital link into an EPC
URN, as EPCIS documents need it. It is more lenient than parse: it does not
judge check digits and characters, and leaves attributes of a link out.`,
		Example: `  frostline gs1 translate urn:epc:id:sgtin:0300021.043380.A1
  frostline gs1 translate --prefix-length 7 https://id.gs1.org/01/00300021433802/21/A1`,
		Args: args(1, 1, "one text, or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := prefix.load(); err != nil {
				return err
			}
			return gs1Each(cmd, args[0], func(text string) (any, error) {
				if strings.HasPrefix(text, "urn:") {
					return gs1.FromURN(text)
				}
				e, err := gs1.ReadLink(text)
				if err != nil {
					return nil, err
				}
				return prefix.urn(e)
			})
		},
	}
	prefix.flags(cmd)
	return cmd
}

// gs1Drug is the answer of ndc. What cannot be known is left out.
type gs1Drug struct {
	OK     bool   `json:"ok"`
	NDC    string `json:"ndc"`
	Eleven string `json:"ndc11,omitempty"`
	Twelve string `json:"ndc12,omitempty"`
	GTIN   string `json:"gtin,omitempty"`
	Level  int    `json:"level"`
}

func gs1NDC() *cobra.Command {
	level := 0
	cmd := &cobra.Command{
		Use: "ndc CODE|GTIN|-", Short: "Turn a national drug code into a GTIN, or back",
		Long: `ndc reads a national drug code with its hyphens, or a GTIN-12 to -14 that holds
one, and prints the code in its forms of 11 and 12 digits and its GTIN-14. A
GTIN holds ten digits and no hyphens: which digits are labeler, product and
package cannot be told from it, so that the other forms are left out then.`,
		Example: `  frostline gs1 ndc 0002-1433-80
  frostline gs1 ndc 00300021433802`,
		Args: args(1, 1, "one code, or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if level < 0 || level > 7 {
				return usageError{fmt.Errorf("--level %d: want 0 to 7", level)}
			}
			return gs1Each(cmd, args[0], func(text string) (any, error) { return gs1Drugged(text, level) })
		},
	}
	cmd.Flags().IntVar(&level, "level", level, "packaging level of the GTIN, its first digit")
	return cmd
}

func gs1Drugged(text string, level int) (gs1Drug, error) {
	var code gs1.NDC
	var err error
	if strings.Contains(text, "-") || !gs1.ValidGTIN(text) {
		code, err = gs1.ParseNDC(text)
	} else {
		code, level, err = gs1.NDCOf(text)
	}
	if err != nil {
		return gs1Drug{}, err
	}
	a := gs1Drug{OK: true, NDC: code.String(), Level: level}
	if eleven, err := code.Eleven(); err == nil {
		a.Eleven = eleven.String()
	}
	if twelve, err := code.Twelve(); err == nil {
		a.Twelve = twelve.String()
	}
	if gtin, err := code.GTIN(level); err == nil {
		a.GTIN = gtin
	}
	return a, nil
}
