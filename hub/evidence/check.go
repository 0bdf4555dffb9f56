package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"frostline/hub/evidence/verify"
)

// damaged is an error of Intake about a block that is stored and cannot be read.
type damaged interface {
	error
	Damaged() (gateway string, epoch uint32, block uint64)
}

func damagedBlock(err error) damaged {
	var d damaged
	if errors.As(err, &d) {
		return d
	}
	return nil
}

// Check makes the evidence of a shipment of whatever the store has now, and
// verifies it as a stranger would to whom it was given. Where Export refuses to
// make a bundle that would not hold, Check says what does not hold, and where.
// Its errors are those of Export.
func (x *Exporter) Check(ctx context.Context, shipment string, trust verify.Options) (*verify.Report, error) {
	ctx, done := context.WithTimeout(ctx, 10*time.Minute)
	defer done()
	s, err := x.settled(ctx, shipment)
	if err != nil {
		return nil, err
	}
	b, err := x.make(ctx, s, Wanted{}, true)
	if d := damagedBlock(err); d != nil && ctx.Err() == nil {
		return unreadable(shipment, d), nil
	}
	if err != nil {
		return nil, err
	}
	defer b.Close()
	f, err := b.File()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := verify.Bundle(ctx, f, b.Size, trust)
	if err != nil {
		return nil, fmt.Errorf("verify evidence of shipment %s: %w", shipment, err)
	}
	return r, nil
}

// unreadable is a report of what could not even be put into a bundle.
func unreadable(shipment string, d damaged) *verify.Report {
	p := verify.Problem{Check: verify.ChainIs, Detail: "what is stored of it cannot be read: the store was edited or is damaged; restore it from a backup"}
	p.Gateway, p.Epoch, p.Block = d.Damaged()
	return &verify.Report{Shipment: shipment, Problems: []verify.Problem{p}}
}
