package scan

import (
	"slices"

	"frostline/proto/pb"
)

// message is a record as an event of the chain, told at boottime now in a boot
// and epoch. What was scanned in this boot is dated by this epoch, which has its
// anchors too, whatever becomes of the one before.
func (r *record) message(now int64, epoch, boot uint32, bootID string) *pb.Event {
	m := &pb.Scan{
		Id: r.ID, Raw: []byte(r.Code), Kind: uint32(r.Subject.Kind), Value: r.Subject.Value, Action: uint32(r.Action), Target: r.Target,
		From: r.From, To: r.To, Role: r.Role, By: r.By, Seal: uint32(slices.Index(Seals, r.Seal)), NoPosition: r.NoPosition,
		TickMs: r.Boottime, Corrects: r.Corrects, Withdrawn: r.Withdrawn, Leaves: r.Leaves,
	}
	if r.BootID != bootID {
		m.Boot, m.Epoch = r.Boot, r.Epoch
	}
	if s := r.Since; s != nil {
		m.Since = &pb.Instant{AtMs: s.Boottime, Boot: s.Boot, Epoch: s.Epoch}
		if s.Boot == boot {
			m.Since.Epoch = epoch
		}
	}
	if t := r.Temperature; t != nil {
		m.Temperature = &pb.Measured{Value: int64(t.Value), Sensor: t.Sensor, TickMs: t.Boottime}
	}
	if p := r.Position; p != nil {
		m.Position = &pb.Fix{Latitude: p.Latitude, Longitude: p.Longitude, Accuracy: uint64(p.Accuracy), Sensor: p.Sensor, TickMs: p.Boottime}
	}
	return &pb.Event{AtMs: now, Kind: &pb.Event_Scan{Scan: m}}
}
