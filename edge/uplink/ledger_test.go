package uplink

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"frostline/edge/journal"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

func TestSpansAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s spans
		model := map[uint64]bool{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			first := rapid.Uint64Range(0, 60).Draw(t, "first")
			x := span{first, first + rapid.Uint64Range(0, 12).Draw(t, "more")}
			add := rapid.Bool().Draw(t, "add")
			if add {
				s.add(x)
			} else {
				s.remove(x)
			}
			for n := x.first; n <= x.last; n++ {
				if add {
					model[n] = true
				} else {
					delete(model, n)
				}
			}
		}
		for i, x := range s {
			if x.first > x.last || i > 0 && s[i-1].last+1 >= x.first {
				t.Fatalf("%v are not ascending and apart", s)
			}
		}
		if got := s.count(); got != uint64(len(model)) {
			t.Fatalf("count %d, want %d", got, len(model))
		}
		for n := uint64(0); n < 80; n++ {
			last, in := s.end(n)
			if in != model[n] || in && model[last+1] {
				t.Fatalf("end of %d in %v: %d, %v", n, s, last, in)
			}
			next, ok := s.next(n)
			later := slices.Sorted(maps.Keys(model))
			i, _ := slices.BinarySearch(later, n)
			if ok != (i < len(later)) || ok && next != later[i] {
				t.Fatalf("next after %d in %v: %d, %v", n, s, next, ok)
			}
		}
		if a, b := s.within(span{10, 30}), uint64(0); true {
			for n := range model {
				if n >= 10 && n <= 30 {
					b++
				}
			}
			if a != b {
				t.Fatalf("within 10 to 30 of %v: %d, want %d", s, a, b)
			}
		}
	})
}

// TestLedgerLosesNoBlock plays sendings, losses, reordered and repeated
// acknowledgements, refusals, silence and new connections against a ledger, and
// checks that each block is in one state, that no block is in two parcels, and
// that in the end, when the network is kind, every block has been committed.
func TestLedgerLosesNoBlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1000, 0)
		l := newLedger(Timing{}.withDefaults(), now)
		tip := journal.Tip{Epoch: 2, Last: rapid.Uint64Range(0, 50).Draw(t, "last")}
		old := rapid.Uint64Range(1, 50).Draw(t, "old")
		pending := []journal.Pending{{Epoch: 1, First: 1, Last: old}}
		if tip.Last > 0 {
			pending = append(pending, journal.Pending{Epoch: 2, First: 1, Last: tip.Last})
		}
		l.sync(tip, pending)
		hub := map[uint32]*spans{1: {}, 2: {}}
		refused := map[uint32]*spans{1: {}, 2: {}}
		var answers []answer
		word := func(epoch uint32) answer {
			a := answer{epoch: epoch, hub: "h"}
			for _, r := range *hub[epoch] {
				if r.first == 1 {
					a.committed, a.head = r.last, chain.Head{byte(r.last)}
				} else {
					a.beyond = append(a.beyond, r)
				}
			}
			for _, r := range *refused[epoch] {
				a.refused = append(a.refused, refusal{r, "no"})
			}
			return a
		}
		var prepared *parcel
		send := func(kind bool) {
			if o, ok := l.unseen(); ok {
				r := looked{look: o}
				for n := o.first; n <= o.last; n++ {
					if n%7 == 0 {
						r.alarms = append(r.alarms, n)
					}
				}
				l.saw(r)
			}
			if epoch, n, ok := l.urgent(16, now); ok {
				l.takeUrgent(epoch, n)
				x := span{n, n}
				l.launch(&parcel{epoch: epoch, span: x, lane: topic.Live, bytes: 100, tries: l.account(epoch).tried(x)}, now)
				if kind {
					hub[epoch].add(x)
				}
				return
			}
			if n, ok := l.fresh(16); ok {
				l.takeFresh()
				x := span{n, n}
				l.launch(&parcel{epoch: l.current, span: x, lane: topic.Live, bytes: 100, tries: l.account(l.current).tried(x)}, now)
				if kind {
					hub[l.current].add(x)
				}
				return
			}
			if prepared == nil {
				epoch, x, tries, _, ok := l.stale(now)
				if !ok {
					return
				}
				x.last = min(x.last, x.first+rapid.Uint64Range(0, 9).Draw(t, "blocks"))
				l.take(epoch, x)
				prepared = &parcel{epoch: epoch, span: x, lane: topic.Backlog, bytes: 300, tries: tries}
			}
			if l.admits(prepared.bytes, 16, now) {
				p := prepared
				prepared = nil
				l.launch(p, now)
				if kind {
					hub[p.epoch].add(p.span)
				}
			}
		}
		hear := func(a answer) {
			if _, err := l.answered(a, now); err != nil {
				t.Fatal(err)
			}
		}
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				tip.Last += rapid.Uint64Range(1, 30).Draw(t, "kept")
				l.kept(tip.Last)
			case 1, 2, 3:
				send(rapid.Bool().Draw(t, "arrives"))
			case 4:
				answers = append(answers, word(rapid.Uint32Range(1, 2).Draw(t, "epoch")))
			case 5:
				if len(answers) > 0 { // any of the past, again and in any order
					hear(answers[rapid.IntRange(0, len(answers)-1).Draw(t, "answer")])
				}
			case 6:
				l.overtaken(now)
				l.expire(now)
			case 7:
				if rapid.IntRange(0, 9).Draw(t, "cut") == 0 {
					l.connected(now)
					l.returning()
				}
			case 8:
				if e := rapid.Uint32Range(1, 2).Draw(t, "epoch"); rapid.IntRange(0, 5).Draw(t, "refuse") == 0 {
					n := rapid.Uint64Range(1, 20).Draw(t, "number")
					if _, in := hub[e].end(n); !in && n <= l.account(e).last {
						refused[e].add(span{n, n})
					}
				}
			case 9:
				if len(l.flying) > 0 { // what was thought lost may have arrived
					p := l.flying[rapid.IntRange(0, len(l.flying)-1).Draw(t, "late")]
					hub[p.epoch].add(p.span)
				}
			}
			checkLedger(t, l, prepared)
		}
		for range 5000 {
			now = now.Add(10 * time.Millisecond)
			send(true)
			for e := range hub {
				refused[e] = &spans{}
				hear(word(e))
			}
			l.overtaken(now)
			l.expire(now)
			if hub[1].count() >= old && hub[2].count() >= tip.Last {
				return
			}
			for _, a := range l.accounts { // the quarantine has been emptied
				a.refused = nil
			}
		}
		t.Fatalf("hub has %v and %v, want 1 to %d and 1 to %d; ledger %+v %+v", *hub[1], *hub[2], old, tip.Last, *l.accounts[0], *l.accounts[1])
	})
}

func checkLedger(t *rapid.T, l *ledger, prepared *parcel) {
	held := map[uint32]spans{}
	hold := func(epoch uint32, x span, what string) {
		s := held[epoch]
		if s.within(x) > 0 {
			t.Fatalf("blocks %v of epoch %d are held twice, by %s", x, epoch, what)
		}
		s.add(x)
		held[epoch] = s
	}
	bytes, live := 0, 0
	for _, p := range l.flying {
		hold(p.epoch, p.span, "flight")
		if p.lane == topic.Live {
			live++
		} else {
			bytes += p.bytes
		}
	}
	for _, n := range l.waiting {
		hold(l.current, span{n, n}, "live lane")
	}
	if prepared != nil {
		hold(prepared.epoch, prepared.span, "packer")
	}
	if bytes != l.backlog.bytes || live != l.live.flying || l.backlog.flying+live != len(l.flying) {
		t.Fatalf("in flight %d bytes, %d live, %d in all; counted %d, %d, %d", bytes, live, len(l.flying), l.backlog.bytes, l.live.flying, l.backlog.flying+l.live.flying)
	}
	for _, a := range l.accounts {
		if !slices.Equal(a.taken, held[a.epoch]) {
			t.Fatalf("epoch %d: taken %v, held %v", a.epoch, a.taken, held[a.epoch])
		}
		for i, x := range a.attempts {
			if x.first > x.last || i > 0 && a.attempts[i-1].last >= x.first || x.last <= a.committed {
				t.Fatalf("epoch %d: attempts %v, committed %d", a.epoch, a.attempts, a.committed)
			}
		}
		if len(a.beyond) > 0 && a.beyond[0].first <= a.committed+1 && a.committed > 0 {
			t.Fatalf("epoch %d: committed %d and beyond %v", a.epoch, a.committed, a.beyond)
		}
	}
}

func TestOvertakenParcelIsLostAtOnce(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newLedger(Timing{}.withDefaults(), now)
	l.sync(journal.Tip{Epoch: 1}, nil)
	l.kept(3)
	for range 3 {
		n, _ := l.fresh(8)
		l.takeFresh()
		l.launch(&parcel{epoch: 1, span: span{n, n}, lane: topic.Live, bytes: 10}, now)
		now = now.Add(time.Millisecond)
	}
	now = now.Add(5 * time.Millisecond)
	p, err := l.answered(answer{epoch: 1, committed: 1, beyond: []span{{3, 3}}}, now)
	if err != nil || p.landed != 2 || p.lost != 0 {
		t.Fatalf("%+v, %v: want two landed and the other given time", p, err)
	}
	if due := l.due(); due.After(now.Add(100 * time.Millisecond)) {
		t.Fatalf("looks again in %v", due.Sub(now))
	}
	if n := l.overtaken(now.Add(50 * time.Millisecond)); n != 1 {
		t.Fatalf("%d lost, want 1", n)
	}
	if n, ok := l.fresh(8); !ok || n != 2 {
		t.Fatalf("block %d, %v: want block 2 on the live lane again", n, ok)
	}
}

func TestSilentHubGetsOneParcelAtATimeEverMoreRarely(t *testing.T) {
	now := time.Unix(1000, 0)
	timing := Timing{}.withDefaults()
	l := newLedger(timing, now)
	l.connected(now)
	l.sync(journal.Tip{Epoch: 1}, nil)
	sent := 0
	for range 600 { // ten minutes, a block each second
		now = now.Add(time.Second)
		l.kept(l.account(1).last + 1)
		l.expire(now)
		if n, ok := l.fresh(8); ok {
			l.takeFresh()
			l.launch(&parcel{epoch: 1, span: span{n, n}, lane: topic.Live, bytes: 10}, now)
			sent++
		}
		if l.silent && len(l.flying) > 1 {
			t.Fatalf("%d in flight", len(l.flying))
		}
	}
	if sent > 50 {
		t.Errorf("%d parcels were sent to a silent hub in ten minutes", sent)
	}
	if !l.silent {
		t.Error("it was not found silent")
	}
	if _, err := l.answered(answer{epoch: 1, committed: 1}, now); err != nil || l.silent {
		t.Errorf("after an answer: silent %v, %v", l.silent, err)
	}
}

func TestParcelThatNobodyCarriesIsSentInSmallerAndRarerPieces(t *testing.T) {
	a := &account{epoch: 1, oldest: 1, last: 100}
	now := time.Unix(1000, 0)
	for tries := range 6 {
		a.failed(span{1, 50}, now.Add(time.Minute))
		x, got, wait, ok := a.free(now)
		if !ok || x != (span{51, 100}) || got != 0 || !wait.IsZero() {
			t.Fatalf("free %v after %d tries, %d, %v, %v: want 51 to 100, which was not tried", x, tries+1, got, wait, ok)
		}
		if x, got, _, ok = a.free(now.Add(time.Hour)); !ok || x != (span{1, 50}) || got != tries+1 {
			t.Fatalf("free later %v, %d tries, %v: want 1 to 50 and %d", x, got, ok, tries+1)
		}
	}
}

func TestParseAnswerRefusesNonsense(t *testing.T) {
	for name, m := range map[string]*pb.Ack{
		"short head":          {Epoch: 1, Committed: 1, Head: []byte{1}},
		"no head":             {Epoch: 1, Committed: 1},
		"range upside down":   {Epoch: 1, Beyond: []*pb.Range{{First: 9, Last: 8}}},
		"range below":         {Epoch: 1, Committed: 9, Head: make([]byte, 32), Beyond: []*pb.Range{{First: 9, Last: 12}}},
		"refusal of nothing":  {Epoch: 1, Refused: []*pb.Refusal{{}}},
		"too many ranges":     {Epoch: 1, Beyond: make([]*pb.Range, maxRanges+1)},
		"too long altogether": {Epoch: 1, Hub: string(make([]byte, maxAckBytes+1))},
	} {
		for i := range m.Beyond {
			if m.Beyond[i] == nil {
				m.Beyond[i] = &pb.Range{First: uint64(i*2 + 1), Last: uint64(i*2 + 1)}
			}
		}
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseAnswer(b); !errors.Is(err, errAck) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	b, _ := proto.Marshal(&pb.Ack{Epoch: 1, Committed: 5, Head: make([]byte, 32), Beyond: []*pb.Range{{First: 7, Last: 9}}, Hub: "h", Credit: 4})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseAnswer(b)
		if err != nil {
			return
		}
		if a.credit < 0 || a.credit > maxCredit || a.hold < 0 || a.hold > maxHold || len(a.restart) > maxReason {
			t.Fatalf("out of bounds: %+v", a)
		}
		now := time.Unix(1000, 0)
		l := newLedger(Timing{}.withDefaults(), now)
		l.sync(journal.Tip{Epoch: a.epoch, Last: 20}, []journal.Pending{{Epoch: a.epoch, First: 1, Last: 20}})
		l.answered(a, now) // whatever it says, the account holds
		if acc := l.accounts[0]; acc.committed > 20 || acc.pending() > 20 {
			t.Fatalf("account %+v", acc)
		}
		if a.echo != nil {
			if anchor, err := hubTime(a.echo, a.echo.SentMs+10); err == nil && anchor.Uncertainty < 1 {
				t.Fatalf("anchor %+v", anchor)
			}
		}
	})
}
