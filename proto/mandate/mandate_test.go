package mandate

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/proto/pb"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func TestOnlyWhatTheHubSignedIsOpened(t *testing.T) {
	hub, other := key('h'), key('o')
	d := &pb.Desired{Gateway: "van-1", Version: 7, Document: "sensors: []\n", SetUtcMs: 5}
	good, err := SignDesired(d, hub)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenDesired("van-1", good, public(hub))
	if err != nil || !proto.Equal(got, d) {
		t.Fatalf("got %v, %v, want %v", got, err, d)
	}
	c := &pb.Command{Gateway: "van-1", Number: 9, Kind: Restart, ExpiresUtcMs: 6}
	order, err := SignCommand(c, hub)
	if err != nil {
		t.Fatal(err)
	}
	bare := order[len(Prefix):]
	if got, err := OpenCommand("van-1", bare, public(hub)); err != nil || !proto.Equal(got, c) {
		t.Fatalf("got %v, %v, want %v", got, err, c)
	}
	for name, f := range map[string]func() error{
		"another key":         func() error { _, err := OpenDesired("van-1", good, public(other)); return err },
		"no key":              func() error { _, err := OpenDesired("van-1", good, nil); return err },
		"another gateway":     func() error { _, err := OpenDesired("van-2", good, public(hub)); return err },
		"a command as config": func() error { _, err := OpenDesired("van-1", bare, public(hub)); return err },
		"config as a command": func() error { _, err := OpenCommand("van-1", good, public(hub)); return err },
		"key id of another": func() error {
			var s pb.Signed
			if err := proto.Unmarshal(good, &s); err != nil {
				return err
			}
			s.KeyId = []byte("12345678")
			b, _ := proto.Marshal(&s)
			_, err := OpenDesired("van-1", b, public(hub))
			return err
		},
	} {
		if err := f(); !errors.Is(err, ErrForged) {
			t.Errorf("%s: got %v, want %v", name, err, ErrForged)
		}
	}
	// Every single bit matters.
	for i := range good {
		for bit := range 8 {
			bad := append([]byte(nil), good...)
			bad[i] ^= 1 << bit
			if got, err := OpenDesired("van-1", bad, public(hub)); err == nil {
				t.Fatalf("bit %d of byte %d: opened %v", bit, i, got)
			}
		}
	}
}

func TestSignRefusesWhatNobodyWouldOpen(t *testing.T) {
	for name, d := range map[string]*pb.Desired{
		"gateway": {Gateway: "A", Version: 1}, "version": {Gateway: "van-1"},
		"size":  {Gateway: "van-1", Version: 1, Document: strings.Repeat("x", MaxDocument+1)},
		"UTF-8": {Gateway: "van-1", Version: 1, Document: "\xff"},
	} {
		if b, err := SignDesired(d, key('h')); err == nil {
			t.Errorf("%s: signed %d bytes", name, len(b))
		}
	}
	for name, c := range map[string]*pb.Command{
		"number": {Gateway: "van-1", Kind: Restart, ExpiresUtcMs: 1}, "kind": {Gateway: "van-1", Number: 1, ExpiresUtcMs: 1},
		"expiry":   {Gateway: "van-1", Number: 1, Kind: Restart},
		"argument": {Gateway: "van-1", Number: 1, Kind: Restart, ExpiresUtcMs: 1, Argument: strings.Repeat("x", MaxArgument+1)},
	} {
		if b, err := SignCommand(c, key('h')); err == nil {
			t.Errorf("%s: signed %d bytes", name, len(b))
		}
	}
}

func TestArguments(t *testing.T) {
	for _, x := range []struct {
		kind, argument string
		want           Argument
	}{
		{Restart, "", Argument{}}, {Diagnostics, "", Argument{}}, {Identify, "", Argument{For: 30 * time.Second}},
		{Identify, "2m", Argument{For: 2 * time.Minute}}, {LogLevel, "debug", Argument{For: time.Hour, Level: "debug"}}, {LogLevel, "warn 24h", Argument{For: 24 * time.Hour, Level: "warn"}},
		{Message, MessageArgument("m1", "R1", "turn back, señor"), Argument{ID: "m1", Route: "R1", Text: "turn back, señor"}},
	} {
		if got, err := ParseArgument(x.kind, x.argument); err != nil || got != x.want {
			t.Errorf("%s %q: got %v, %v, want %v", x.kind, x.argument, got, err, x.want)
		}
	}
	for _, x := range [][2]string{{Restart, "now"}, {Identify, "6m"}, {Identify, "0s"}, {Identify, "1s 2s"}, {LogLevel, ""}, {LogLevel, "loud"}, {LogLevel, "debug 25h"}, {"erase", ""}, {Message, "m1\nR1"}, {Message, "m1\nR1\n"}, {Message, "m 1\nR1\nx"}, {Message, "m1\nR1\na\nb"}, {Message, "m1\n\nx"}, {Message, "m1\nR1\n" + strings.Repeat("x", 281)}} {
		if got, err := ParseArgument(x[0], x[1]); err == nil {
			t.Errorf("%s %q: got %v, want an error", x[0], x[1], got)
		}
	}
}

func FuzzOpen(f *testing.F) {
	hub := key('h')
	good, _ := SignDesired(&pb.Desired{Gateway: "van-1", Version: 7, Document: "sensors: []"}, hub)
	order, _ := SignCommand(&pb.Command{Gateway: "van-1", Number: 1, Kind: Restart, ExpiresUtcMs: 1}, hub)
	f.Add(good)
	f.Add(order)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := OpenDesired("van-1", b, public(hub)); err == nil && (d.Version != 7 || d.Document != "sensors: []") {
			t.Errorf("opened what was never signed: %v", d)
		}
		if c, err := OpenCommand("van-1", b, public(hub)); err == nil && c.Kind != Restart {
			t.Errorf("opened what was never signed: %v", c)
		}
	})
}
