package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"frostline/edge/journal"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/journalfile"
)

func verifyCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "verify [FILE|DIR]",
		Short: "Check every block, the chain and the signatures",
		Long: `verify checks the journal in the data directory or, given FILE, a file that
export wrote: every block, its number, its counts and the chain, and in a file
its sums and signatures. It names the first block or line that was edited,
dropped or moved, and ends with status 1 if there is one.

A file is signed with the key whose id is printed. That it is the gateway's,
"frostline gateways" at the hub says, and import-journal checks.`,
		Example: "  frostline-edge journal verify --data /var/lib/frostline-edge\n  frostline-edge journal verify van-1.journal",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, dir, err := o.source(args)
			switch {
			case err != nil:
				return err
			case file != "":
				return verifyFile(file, cmd.OutOrStdout())
			}
			return verifyDir(dir, cmd.OutOrStdout())
		},
	}
}

func verifyDir(dir string, out io.Writer) error {
	r, err := journal.Verify(dir)
	if err != nil {
		return err
	}
	for _, e := range r.Epochs {
		fmt.Fprintf(out, "%s, epoch %d: blocks %d to %d, %d of them, %d readings, head %s%s%s\n", r.Gateway, e.Epoch, e.First, e.Last, e.Blocks, e.Readings,
			e.Head, ranges("; acknowledged by the hub", e.Acked), ranges("; declared lost", e.Lost))
	}
	for _, d := range r.Damaged {
		fmt.Fprintf(out, "set aside as damaged: %s\n", d)
	}
	if err := r.Err(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "every block is whole and in its chain")
	return err
}

func ranges(what string, rs []journal.Range) string {
	for i, r := range rs {
		if i == 0 {
			what += " "
		} else {
			what += ", "
		}
		what += fmt.Sprintf("%d to %d", r.First, r.Last)
	}
	if len(rs) == 0 {
		return ""
	}
	return what
}

func verifyFile(path string, out io.Writer) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("journal file: %w", err)
	}
	defer f.Close() // it is only read
	r := journalfile.NewReader(f)
	for {
		item, err := r.Next()
		switch {
		case err == io.EOF:
			if b := r.Broken(); b != nil {
				return fmt.Errorf("%s: %w", path, b)
			}
			_, err = fmt.Fprintln(out, "every line is as it was written, every block whole and in its chain")
			return err
		case err != nil:
			return fmt.Errorf("%s: %w", path, err)
		case item.Header != nil:
			fmt.Fprintf(out, "journal of gateway %s, signed with key %x\n", item.Header.Gateway, chain.KeyID(item.Header.Key))
		case item.Absence != nil:
			a := item.Absence
			fmt.Fprintf(out, "epoch %d: blocks %d to %d were not there: %s\n", a.Epoch, a.First, a.Last, a.Reason)
		case item.End != nil:
			fmt.Fprintf(out, "%d blocks with %d readings\n", item.End.Blocks, item.End.Readings)
		}
	}
}

// dumpOptions choose what is printed.
type dumpOptions struct {
	epoch    uint32
	from, to uint64
	readings bool
	out      *json.Encoder
}

// dumped is a line of dump.
type dumped struct {
	Epoch    uint32            `json:"epoch"`
	Number   uint64            `json:"number,omitempty"`
	Prev     string            `json:"prev,omitempty"`
	Head     string            `json:"head,omitempty"`
	Bytes    int               `json:"bytes,omitempty"`
	Boot     uint32            `json:"boot,omitempty"`
	Before   *uint64           `json:"before,omitempty"`
	Count    *int              `json:"count,omitempty"`
	Readings [][4]int64        `json:"readings,omitempty"` // series, tick ms, value, quality
	Events   []json.RawMessage `json:"events,omitempty"`
	Problem  string            `json:"problem,omitempty"`
	Absent   *journal.Range    `json:"absent,omitempty"`
	Reason   string            `json:"reason,omitempty"`
}

func dumpCommand(o *options) *cobra.Command {
	var d dumpOptions
	cmd := &cobra.Command{
		Use:   "dump [FILE|DIR]",
		Short: "Print the blocks as JSON lines",
		Long: `dump prints the blocks of the journal in the data directory, or of a file that
export wrote, one JSON object a line:

  epoch, number   of the block
  prev, head      of the chain, before and after it
  bytes           of the block as it is kept
  boot            ordinal of the boot that took its readings
  before, count   readings in the epoch before it, and in it
  readings        with --readings: [series, tick, value, quality], the tick in
                  milliseconds since boot, the value in the quantity's unit
  events          as protobuf JSON; the series declare what their ids mean
  problem         why a block or an event cannot be read

and for blocks that are not there: epoch, absent with First and Last, and reason.`,
		Example: "  frostline-edge journal dump --epoch 1 --from 4711 --to 4720 --readings",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if d.to == 0 {
				d.to = ^uint64(0)
			}
			w := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
			d.out = json.NewEncoder(w)
			d.out.SetEscapeHTML(false)
			file, dir, err := o.source(args)
			switch {
			case err != nil:
				return err
			case file != "":
				err = d.file(file)
			default:
				err = d.dir(dir)
			}
			return errors.Join(err, w.Flush())
		},
	}
	cmd.Flags().Uint32Var(&d.epoch, "epoch", 0, "only this epoch (default all)")
	cmd.Flags().Uint64Var(&d.from, "from", 1, "first block")
	cmd.Flags().Uint64Var(&d.to, "to", 0, "last block (default the last there is)")
	cmd.Flags().BoolVar(&d.readings, "readings", false, "print the readings too")
	return cmd
}

func (d *dumpOptions) dir(dir string) error {
	look, err := journal.LookAt(dir)
	if err != nil {
		return err
	}
	return look.Walk(func(f journal.Found) error { return d.block(f.Epoch, f.Number, f.Prev, f.Raw) }, d.absent)
}

func (d *dumpOptions) file(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("journal file: %w", err)
	}
	defer f.Close() // it is only read
	r := journalfile.NewReader(f)
	for {
		item, err := r.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", path, err)
		case item.Block != nil:
			err = d.block(item.Block.Epoch, item.Block.Number, item.Block.Prev, item.Block.Raw)
		case item.Absence != nil:
			err = d.absent(item.Absence.Epoch, item.Absence.First, item.Absence.Last, item.Absence.Reason)
		}
		if err != nil {
			return err
		}
	}
}

func (d *dumpOptions) absent(epoch uint32, first, last uint64, reason string) error {
	if d.epoch != 0 && d.epoch != epoch || last < d.from || first > d.to {
		return nil
	}
	return d.out.Encode(dumped{Epoch: epoch, Absent: &journal.Range{First: first, Last: last}, Reason: reason})
}

func (d *dumpOptions) block(epoch uint32, number uint64, prev chain.Head, raw []byte) error {
	if d.epoch != 0 && d.epoch != epoch || number < d.from || number > d.to {
		return nil
	}
	head := chain.Next(prev, raw)
	line := dumped{Epoch: epoch, Number: number, Prev: prev.String(), Head: head.String(), Bytes: len(raw)}
	b, err := block.Decode(raw)
	if err != nil {
		line.Problem = err.Error()
		return d.out.Encode(line)
	}
	count := len(b.Readings)
	line.Boot, line.Before, line.Count = b.Boot, &b.Before, &count
	if d.readings {
		for _, r := range b.Readings {
			line.Readings = append(line.Readings, [4]int64{int64(r.Series), r.Tick, r.Value, int64(r.Quality)})
		}
	}
	for _, raw := range b.Events {
		e, err := block.DecodeEvent(raw)
		var text []byte
		if err == nil {
			text, err = protojson.MarshalOptions{UseProtoNames: true}.Marshal(e)
		}
		if err != nil {
			line.Problem = fmt.Sprintf("event %s: %v", hex.EncodeToString(raw), err)
			continue
		}
		line.Events = append(line.Events, text)
	}
	return d.out.Encode(line)
}
