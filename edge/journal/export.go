package journal

import (
	"crypto"
	"errors"
	"io"

	"frostline/proto/journalfile"
)

// Exported is what an export has written.
type Exported struct {
	Gateway  string
	Blocks   uint64
	Readings uint64
	Absent   uint64 // blocks that were not there, and neither acknowledged nor declared lost
	LeftOut  uint64 // of these, blocks that cannot be decoded
}

// Export writes all blocks that a journal holds to w as a journal file, signed
// by the gateway's seal key. It changes nothing: what the hub has taken in of
// the file it acknowledges when the gateway is back, and only then does the
// gateway forget it. agent is the version of the program.
func (o *Offline) Export(w io.Writer, agent string, signer crypto.Signer) (Exported, error) {
	x := Exported{Gateway: o.Gateway}
	file, err := journalfile.NewWriter(w, o.Gateway, agent, signer)
	if err != nil {
		return x, err
	}
	err = o.Walk(func(b Found) error {
		err := file.Block(b.Epoch, b.Prev, b.Raw)
		if errors.Is(err, journalfile.ErrBlock) {
			x.Absent++
			x.LeftOut++
			return file.Absent(b.Epoch, b.Number, b.Number, text("%v", err))
		}
		return err
	}, func(epoch uint32, first, last uint64, reason string) error {
		if !o.explained(epoch, first, last) {
			x.Absent += last - first + 1
		}
		return file.Absent(epoch, first, last, reason)
	})
	if err != nil {
		return x, err
	}
	err = file.Close()
	x.Blocks, x.Readings = file.Written()
	return x, err
}

// explained reports whether blocks need not be there.
func (o *Offline) explained(epoch uint32, first, last uint64) bool {
	e := o.known.epochs[epoch]
	return e != nil && e.settled.covers(first, last)
}
