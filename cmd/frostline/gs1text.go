package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"frostline/proto/gs1"
)

// gs1Element is an element in an answer.
type gs1Element struct {
	AI    string `json:"ai"`
	Value string `json:"value"`
}

func gs1Elements(e gs1.Elements) []gs1Element {
	all := make([]gs1Element, len(e))
	for i := range e {
		all[i] = gs1Element(e[i])
	}
	return all
}

// gs1Answer is the answer of parse.
type gs1Answer struct {
	OK          bool         `json:"ok"`
	AIs         []gs1Element `json:"ais"`
	DigitalLink string       `json:"digitalLink,omitempty"`
	EPC         string       `json:"epc,omitempty"`
}

func gs1Parse() *cobra.Command {
	var syntax *gs1.Options
	var prefix gs1Prefix
	cmd := &cobra.Command{
		Use: "parse STRING|-", Short: "Take a text apart into its elements",
		Long: `parse reads a text in any form and prints its elements, its digital link and
its EPC. How a text begins says which form it is:

  ]d2 ]C1 ]e0 ]Q3 ]J1   a scanner's symbology identifier, then an element string
                        with the character GS (0x1D) as FNC1
  ]E0 ]E4               EAN/UPC: the digits are a GTIN
  ]Q1 ]d1 ]J0           a plain symbol that holds a digital link
  ^ or GS               FNC1, then an element string with the same as FNC1
  (01)...               bracketed; an opening bracket in a value is \(
  http:// https://      GS1 Digital Link
  urn:epc:              EPC URN: id, idpat or class
  digits                8, 12, 13 or 14 with their check digit are a GTIN, 18 an
                        SSCC; otherwise an element string whose first FNC1 and
                        symbology identifier were lost

Every value is checked, and so is which elements need or exclude one another.
There is no digital link without a primary key such as a GTIN, and no EPC where
the length of the company prefix is not known: an EPC URN says it, and so do
--prefix-length and --prefixes.`,
		Example: `  frostline gs1 parse '(01)00300021433802(21)A1(17)270630(10)LOT7'
  frostline gs1 parse --prefix-length 7 ']C100006141411234567890'
  printf ']d20100300021433802\0351727063010LOT7\n' | frostline gs1 parse -
  frostline gs1 parse https://id.gs1.org/00/006141411234567890`,
		Args: args(1, 1, "one text, or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := prefix.load(); err != nil {
				return err
			}
			return gs1Each(cmd, args[0], func(text string) (any, error) { return gs1Answered(text, *syntax, &prefix) })
		},
	}
	syntax = gs1Syntax(cmd)
	prefix.flags(cmd)
	return cmd
}

func gs1Answered(text string, syntax gs1.Options, prefix *gs1Prefix) (gs1Answer, error) {
	e, err := syntax.Parse(text)
	if err != nil {
		return gs1Answer{}, err
	}
	a := gs1Answer{OK: true, AIs: gs1Elements(e)}
	if link, err := syntax.DigitalLink(e, ""); err == nil {
		a.DigitalLink = link
	}
	if strings.HasPrefix(text, "urn:") {
		a.EPC = text
	} else if key, err := e.Key(); err == nil {
		if urn, err := prefix.urn(key); err == nil {
			a.EPC = urn
		}
	}
	return a, nil
}

func gs1Scan() *cobra.Command {
	return &cobra.Command{
		Use: "scan STRING|-", Short: "Take apart what a scanner sent",
		Long: `scan reads a symbology identifier and what follows, also of a plain symbol,
which parse refuses. It prints the identifier, the message with ^ for FNC1, and
its elements, if any. These are not checked together.`,
		Example: `  frostline gs1 scan ']E04012345678901'
  frostline gs1 scan ']Q1https://id.gs1.org/01/00300021433802'`,
		Args: args(1, 1, "one text, or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return gs1Each(cmd, args[0], func(text string) (any, error) {
				s, err := gs1.ReadScan(text)
				return struct {
					OK        bool         `json:"ok"`
					Symbology string       `json:"symbology"`
					Data      string       `json:"data"`
					AIs       []gs1Element `json:"ais"`
				}{true, s.Symbology, s.Data, gs1Elements(s.Elements)}, err
			})
		},
	}
}

func gs1Format() *cobra.Command {
	var as, stem string
	var syntax *gs1.Options
	var prefix gs1Prefix
	cmd := &cobra.Command{
		Use: "format STRING|-", Short: "Write a text in another form",
		Long: `format reads a text as parse does and writes it in the form of --as: bracketed,
unbracketed (with ^ for FNC1), link (a digital link under --stem) or epc.`,
		Example: `  frostline gs1 format --as link ^01003000214338022112345
  frostline gs1 format --as epc --prefix-length 7 '(00)006141411234567890'`,
		Args: args(1, 1, "one text, or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := prefix.load(); err != nil {
				return err
			}
			forms := map[string]func(gs1.Elements) (string, error){
				"bracketed":   func(e gs1.Elements) (string, error) { return e.Bracketed(), nil },
				"unbracketed": func(e gs1.Elements) (string, error) { return e.Unbracketed('^'), nil },
				"link":        func(e gs1.Elements) (string, error) { return syntax.DigitalLink(e, stem) },
				"epc": func(e gs1.Elements) (string, error) {
					key, err := e.Key()
					if err != nil {
						return "", err
					}
					return prefix.urn(key)
				},
			}
			form := forms[as]
			if form == nil {
				return usageError{fmt.Errorf("--as %q: want bracketed, unbracketed, link or epc", as)}
			}
			return gs1Each(cmd, args[0], func(text string) (any, error) {
				e, err := syntax.Parse(text)
				if err != nil {
					return nil, err
				}
				return form(e)
			})
		},
	}
	syntax = gs1Syntax(cmd)
	prefix.flags(cmd)
	cmd.Flags().StringVar(&as, "as", "bracketed", "bracketed, unbracketed, link or epc")
	cmd.Flags().StringVar(&stem, "stem", gs1.CanonicalStem, "what digital links begin with")
	return cmd
}
