package scan

import (
	"regexp"

	"google.golang.org/protobuf/proto"

	"frostline/hub/intake/batch"
	"frostline/proto/pb"
)

// Actions and kinds of the wire, and the words for them.
const (
	attach   = 1
	detach   = 2
	handOver = 3
)

var (
	actions = map[uint32]string{attach: "attach", detach: "detach", handOver: "handover"}
	kinds   = map[uint32]string{1: "label", 2: "sscc", 3: "unit"}
	seals   = []string{"not_checked", "intact", "broken", "absent"}
)

// instant is a boottime of a gateway.
type instant struct {
	epoch, boot uint32
	at          int64 // ms
}

// row is a scan as a chain tells it.
type row struct {
	gateway, id, root string
	when, since       instant
	inEpoch           uint32
	block             uint64
	position          int
	received          int64
	m                 *pb.Scan
	body              []byte // of m, without boots and epochs: told in another epoch it is the same
}

var scanID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{7,39}$`)

// maxRaw bounds the code of a scan, in bytes.
const maxRaw = 512

// read takes a scan out of an event; ok is false where it is none that could be
// told from others.
func read(gateway string, epoch uint32, received int64, e *batch.Event) (r row, ok bool) {
	m := e.Event.GetScan()
	if m == nil || !scanID.MatchString(m.Id) || m.Corrects != "" && !scanID.MatchString(m.Corrects) || m.Corrects == m.Id || len(m.Raw) > maxRaw {
		return r, false
	}
	r = row{gateway: gateway, id: m.Id, root: m.Id, when: instant{epoch, e.Boot, m.TickMs}, inEpoch: epoch, block: e.Block, position: e.Position, received: received, m: m}
	if m.Boot != 0 {
		r.when.boot = m.Boot
	}
	if m.Epoch != 0 {
		r.when.epoch = m.Epoch
	}
	if r.since = r.when; m.Since != nil {
		r.since = instant{m.Since.Epoch, m.Since.Boot, m.Since.AtMs}
		if r.since.epoch == 0 {
			r.since.epoch = epoch
		}
	}
	if m.Corrects != "" {
		r.root = m.Corrects
	}
	plain := proto.CloneOf(m)
	if plain.Boot, plain.Epoch = 0, 0; plain.Since != nil {
		plain.Since.Epoch = 0
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(plain)
	r.body, r.m = body, plain
	return r, err == nil
}
