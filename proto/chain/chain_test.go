package chain

import (
	"crypto/ed25519"
	"errors"
	"testing"

	"frostline/proto/pb"
)

// The expected heads were computed with another program (Python's hashlib).
func TestKnownHeads(t *testing.T) {
	head := Genesis("van-1", 1)
	if got, want := head.String(), "be87435936f2e94dd7c60e96463cc07c2680a62d90c6dadba85147100fc381c0"; got != want {
		t.Errorf("genesis: got %s, want %s", got, want)
	}
	if got, want := Next(head, []byte("block one")).String(), "b3b573f396720aff8290009aae6cce820575648ca14caede9b5d9b7c2ee3e738"; got != want {
		t.Errorf("head 1: got %s, want %s", got, want)
	}
}

func TestGenesisDiffers(t *testing.T) {
	if Genesis("van-1", 1) == Genesis("van-1", 2) || Genesis("van-1", 1) == Genesis("van-11", 1) || Genesis("van-1", 11) == Genesis("van-11", 1) {
		t.Fatal("two epochs share a genesis head")
	}
}

func TestSealText(t *testing.T) {
	head := Genesis("van-1", 1)
	s := &pb.Seal{Epoch: 1, Number: 7, Readings: 140, Head: head[:], Anchor: &pb.Anchor{Boot: 2, AtMs: 3000, UtcMs: 1700000000000, UncertaintyMs: 12, Source: 2}}
	want := "frostline seal 1\nvan-1\n1 7 140\n" + head.String() + "\n2 3000 1700000000000 12 2\n"
	if got := string(SealText("van-1", s)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Promise 5: a seal verifies for what it was made for and nothing else.
func TestPromise5SealBindsEveryField(t *testing.T) {
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	head := Genesis("van-1", 1)
	fresh := func() *pb.Seal {
		s := &pb.Seal{Epoch: 1, Number: 7, Readings: 140, Head: head[:], Anchor: &pb.Anchor{Boot: 2, AtMs: 3000, UtcMs: 5, UncertaintyMs: 12, Source: 2}}
		if err := Sign("van-1", s, key); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := Verify("van-1", fresh(), pub); err != nil {
		t.Fatalf("an untouched seal: %v", err)
	}
	if err := Verify("van-2", fresh(), pub); !errors.Is(err, ErrSignature) {
		t.Errorf("another gateway: got %v", err)
	}
	for name, change := range map[string]func(*pb.Seal){
		"epoch":       func(s *pb.Seal) { s.Epoch++ },
		"number":      func(s *pb.Seal) { s.Number++ },
		"readings":    func(s *pb.Seal) { s.Readings-- },
		"head":        func(s *pb.Seal) { h := Genesis("van-1", 9); s.Head = h[:] },
		"boot":        func(s *pb.Seal) { s.Anchor.Boot++ },
		"at":          func(s *pb.Seal) { s.Anchor.AtMs++ },
		"utc":         func(s *pb.Seal) { s.Anchor.UtcMs++ },
		"uncertainty": func(s *pb.Seal) { s.Anchor.UncertaintyMs++ },
		"source":      func(s *pb.Seal) { s.Anchor.Source++ },
		"anchor":      func(s *pb.Seal) { s.Anchor = nil },
		"signature":   func(s *pb.Seal) { s.Signature[5] ^= 1 },
	} {
		s := fresh()
		change(s)
		if err := Verify("van-1", s, pub); !errors.Is(err, ErrSignature) {
			t.Errorf("changed %s: got %v, want ErrSignature", name, err)
		}
	}
	short := fresh()
	short.Head = short.Head[:31]
	if err := Verify("van-1", short, pub); err == nil {
		t.Error("a head of 31 bytes verified")
	}
}
