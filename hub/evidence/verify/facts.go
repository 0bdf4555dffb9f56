package verify

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/proto"

	"frostline/hub/correlate/join"
	"frostline/hub/event"
	"frostline/hub/evidence/bundle"
	"frostline/hub/evidence/ledger"
	"frostline/hub/fact"
	"frostline/proto/chain"
	"frostline/proto/pb"
)

// putKeys takes the keys that are in the log.
func (r *run) putKeys() bool {
	return r.lines(bundle.Keys, func(number int, line []byte) error {
		bad := func(err error) error {
			r.fail(Problem{Check: KeyIs, File: bundle.Keys, Line: number, Detail: err.Error()})
			return nil
		}
		var k ledger.KeyRecord
		if err := bundle.Decode(line, &k); err != nil {
			return bad(err)
		}
		if _, err := r.included(ledger.KeyEntry(k.Name(), line)); err != nil {
			r.fail(Problem{Check: KeyIs, Gateway: clip(k.Gateway), File: bundle.Keys, Line: number, Detail: fmt.Sprintf("key %s: %v", clip(k.Name()), err)})
			return nil
		}
		switch k.Use {
		case "bundle":
			v, err := note.NewVerifier(k.Public)
			if err != nil || v.Name() != r.m.Origin+"/bundle" || k.ID != v.Name() || r.bundler != nil {
				return bad(fmt.Errorf("want one bundle key, named as the log with /bundle"))
			}
			r.bundler = v
		case "seal":
			pub, err := base64.StdEncoding.DecodeString(k.Public)
			if err != nil || len(pub) != ed25519.PublicKeySize || hex.EncodeToString(chain.KeyID(pub)) != k.ID {
				return bad(fmt.Errorf("seal key %s of gateway %s is no Ed25519 key of that id", clip(k.ID), clip(k.Gateway)))
			}
			r.keys[k.Gateway+"/"+k.ID] = pub
		default:
			return bad(fmt.Errorf("it is for use %s: want bundle or seal", clip(k.Use)))
		}
		return nil
	})
}

// putEvents takes the events, and checks that no stream has a hole.
func (r *run) putEvents() bool {
	heads, found := map[string]int64{}, map[string]int64{}
	for i, h := range r.m.Streams {
		if i > 0 && r.m.Streams[i-1].Stream >= h.Stream {
			r.fail(Problem{Check: ManifestIs, File: bundle.Manifest, Stream: clip(h.Stream), Detail: "streams are not in order"})
		}
		heads[h.Stream] = h.Events
	}
	ids := map[string]bool{}
	var position int64
	var index uint64
	ok := r.lines(bundle.Events, func(number int, line []byte) error {
		p := Problem{Check: EventIs, File: bundle.Events, Line: number}
		bad := func(format string, a ...any) error {
			p.Detail = fmt.Sprintf(format, a...)
			r.fail(p)
			return nil
		}
		var e event.Event
		if err := bundle.DecodeEvent(line, &e); err != nil {
			p.Event, p.Stream = named(line)
			return bad("%v", err)
		}
		p.Event, p.Stream = clip(e.ID), clip(e.Stream)
		at, err := r.included(ledger.EventEntry(e.ID, e.Stream, e.Position, line))
		if err != nil {
			return bad("%v", err)
		}
		switch {
		case e.Position <= position || len(r.events) > 0 && at <= index:
			p.Field = "position"
			return bad("event at position %d follows one at %d: they were put into another order", e.Position, position)
		case e.Position > r.m.Position:
			p.Field = "position"
			return bad("it lies after position %d, the last that the manifest speaks of", r.m.Position)
		case ids[e.ID]:
			p.Field = "id"
			return bad("it comes twice")
		}
		if want := found[e.Stream] + 1; e.Version != want {
			p.Check, p.Field = StreamIs, "version"
			if e.Version < want {
				return bad("version %d comes after version %d: the log contradicts itself", e.Version, want-1)
			}
			r.fail(Problem{Check: StreamIs, Stream: p.Stream, File: bundle.Events, Line: number, Field: "version",
				Detail: fmt.Sprintf("version %d of the stream was removed: %d follows %d", want, e.Version, want-1)})
		}
		position, index, ids[e.ID] = e.Position, at, true
		found[e.Stream] = e.Version
		if p.Check, p.Field = EventIs, "data"; !exact(e, r.m.Bundle) {
			return bad("what it says is not in the form of JOIN.md for its type")
		}
		r.events = append(r.events, e)
		return nil
	})
	for _, h := range r.m.Streams {
		if n := found[h.Stream]; n < h.Events {
			r.fail(Problem{Check: StreamIs, Stream: clip(h.Stream), File: bundle.Events, Detail: fmt.Sprintf("version %d of the stream was removed: the manifest says that it has %d", n+1, h.Events)})
		}
	}
	var extra []string
	for s, n := range found {
		if n > heads[s] {
			extra = append(extra, s)
		}
	}
	slices.Sort(extra)
	for _, s := range extra {
		r.fail(Problem{Check: StreamIs, Stream: clip(s), File: bundle.Manifest, Detail: fmt.Sprintf("it has %d events, the manifest says %d", found[s], heads[s])})
	}
	r.Counts.Events, r.Counts.Streams = len(r.events), len(found)
	return ok
}

type sealName struct {
	gateway string
	epoch   uint32
	number  uint64
}

type sealed struct {
	head     chain.Head
	readings uint64
	used     bool
}

// putSeals takes the seals whose signatures verify.
func (r *run) putSeals() bool {
	return r.lines(bundle.Seals, func(number int, line []byte) error {
		p := Problem{Check: SealIs, File: bundle.Seals, Line: number}
		bad := func(format string, a ...any) error {
			p.Detail = fmt.Sprintf(format, a...)
			r.fail(p)
			return nil
		}
		var s bundle.SealRecord
		if err := bundle.Decode(line, &s); err != nil {
			return bad("%v", err)
		}
		p.Gateway, p.Epoch, p.Block = clip(s.Gateway), s.Epoch, s.Number
		if _, err := r.included(ledger.SealEntry(s.Gateway, s.Epoch, s.Number, s.Seal)); err != nil {
			return bad("seal: %v", err)
		}
		var m pb.Seal
		if !readSeal(s.Seal, &m) {
			return bad("seal is not in its canonical form")
		}
		if m.Epoch != s.Epoch || m.Number != s.Number {
			return bad("seal is of epoch %d, block %d", m.Epoch, m.Number)
		}
		key := r.keys[s.Gateway+"/"+hex.EncodeToString(m.KeyId)]
		if key == nil {
			return bad("seal was made by key %x, which %s does not have for the gateway", m.KeyId, bundle.Keys)
		}
		if err := chain.Verify(s.Gateway, &m, key); err != nil {
			return bad("it was not made by the gateway's key %x, or was changed", m.KeyId)
		}
		name := sealName{s.Gateway, s.Epoch, s.Number}
		if _, twice := r.seals[name]; twice {
			return bad("it has two seals")
		}
		r.seals[name] = sealed{head: chain.Head(m.Head), readings: m.Readings}
		r.Counts.Seals++
		return nil
	})
}

// readSeal reads a seal that is written as intake keeps it: known fields in
// order, and no unsigned time of sending.
func readSeal(b []byte, m *pb.Seal) bool {
	if err := proto.Unmarshal(b, m); err != nil || m.SentMs != 0 || len(m.ProtoReflect().GetUnknown()) > 0 ||
		m.Anchor != nil && len(m.Anchor.ProtoReflect().GetUnknown()) > 0 {
		return false
	}
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	return err == nil && bytes.Equal(again, b)
}

// named gives the id and stream of an event that is not as it must be, as far
// as they can be read.
func named(line []byte) (id, stream string) {
	var m map[string]json.RawMessage
	if !utf8.Valid(line) || json.Unmarshal(line, &m) != nil {
		return "", ""
	}
	text := func(name string) (s string) {
		if m[name] == nil || json.Unmarshal(m[name], &s) != nil {
			return ""
		}
		return clip(s)
	}
	return text("id"), text("stream")
}

// exact reports whether the data of an event on which verdicts rest, or which
// names documents, are what its type is written as, with nothing that one program may read and another
// not.
func exact(e event.Event, format int) bool {
	switch {
	case e.Type == fact.VerdictWasRevised, slices.Contains(join.Types, e.Type):
	case e.Type == fact.ExcursionWasCommented && format >= bundle.WithDocuments:
	default:
		return true
	}
	v, err := fact.Decode(e.Type, e.Data)
	return err == nil && bundle.Decode(e.Data, v) == nil
}

// clip bounds what a bundle can put into a message.
func clip(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return strings.ToValidUTF8(s, "�")
}
