package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"frostline/proto/gs1"
)

func init() { more = append(more, gs1Command) }

// gs1Line is the longest line that is read; gs1 refuses shorter ones already.
const gs1Line = 1 << 20

func gs1Command(*options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "gs1", Short: "Read and write what GS1 barcodes, tags and links say",
		Long: `gs1 reads and writes GS1 element strings, bracketed texts, digital links and EPC
URNs, by the GS1 Barcode Syntax Dictionary. It needs no hub.

Each command takes one text, or - for one on each line of standard input, and
answers each on a line of its own. What is wrong is answered as

  {"ok":false,"error":"...","at":N}

where N is the byte of the text, from 0, and the exit status is then 1.`,
	}
	cmd.AddCommand(gs1Parse(), gs1Scan(), gs1Format(), gs1Check(), gs1Translate(), gs1NDC())
	return cmd
}

// gs1Syntax are the flags that loosen the syntax.
func gs1Syntax(cmd *cobra.Command) *gs1.Options {
	o := &gs1.Options{}
	f := cmd.Flags()
	f.BoolVar(&o.Incomplete, "incomplete", false, "accept elements without those they need, which another symbol may hold")
	f.BoolVar(&o.UnknownAIs, "unknown-ais", false, "accept application identifiers that are not in the dictionary")
	f.BoolVar(&o.UnknownAttributes, "unknown-attributes", false, "accept these as attributes of digital links, too")
	f.BoolVar(&o.ShortGTINs, "short-gtins", false, "accept GTIN-8, -12 and -13 in digital links")
	f.BoolVar(&o.ShortNames, "short-names", false, "accept names such as gtin in digital links")
	return o
}

// gs1Prefix is what is known of company prefixes.
type gs1Prefix struct {
	length int
	file   string
	table  *gs1.Prefixes
}

func (p *gs1Prefix) flags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&p.length, "prefix-length", 0, "digits of the company prefix, 6 to 12")
	cmd.Flags().StringVar(&p.file, "prefixes", "", "GS1's table of company prefixes (gcpprefixformatlist.json)")
}

func (p *gs1Prefix) load() error {
	if p.length != 0 && (p.length < 6 || p.length > 12) {
		return usageError{fmt.Errorf("--prefix-length %d: want 6 to 12", p.length)}
	}
	if p.file == "" {
		return nil
	}
	f, err := os.Open(p.file)
	if err != nil {
		return fmt.Errorf("--prefixes: %w", err)
	}
	defer f.Close()
	if p.table, err = gs1.ReadPrefixes(f); err != nil {
		return fmt.Errorf("--prefixes %s: %w", p.file, err)
	}
	return nil
}

// urn writes an EPC, with what its own text says of its prefix first.
func (p *gs1Prefix) urn(e gs1.EPC) (string, error) {
	n := e.PrefixLength()
	if n == 0 {
		n = p.length
	}
	if n == 0 {
		n = p.table.Length(e.Company())
	}
	return e.URN(n)
}

// gs1Each answers each text, and ends with status 1 if one is wrong.
func gs1Each(cmd *cobra.Command, arg string, answer func(text string) (any, error)) error {
	out := bufio.NewWriter(cmd.OutOrStdout())
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	failed := false
	one := func(text string) error {
		v, err := answer(text)
		if err != nil {
			failed = true
			v = gs1Refusal(err)
		}
		if s, ok := v.(string); ok {
			_, err = fmt.Fprintln(out, s)
			return err
		}
		return e.Encode(v)
	}
	if err := gs1Texts(cmd.InOrStdin(), arg, one); err != nil {
		return errors.Join(err, out.Flush())
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if failed {
		return errQuiet
	}
	return nil
}

func gs1Texts(in io.Reader, arg string, one func(string) error) error {
	if arg != "-" {
		return one(arg)
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, gs1Line)
	for lines.Scan() {
		if err := one(strings.TrimSuffix(lines.Text(), "\r")); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("standard input: %w; lines have at most %d bytes", err, gs1Line)
	}
	return nil
}

// gs1No is the answer to a wrong text.
type gs1No struct {
	OK    bool   `json:"ok"`
	Error string `json:"error"`
	At    int    `json:"at"`
}

func gs1Refusal(err error) gs1No {
	no := gs1No{Error: err.Error()}
	if e := new(gs1.Error); errors.As(err, &e) {
		no.At = e.At
	}
	return no
}
