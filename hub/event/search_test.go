package event_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// TestSearch finds what a walk through all events finds, whatever is asked for
// and in however many pages, on a log whose clock has stepped back.
func TestSearch(t *testing.T) {
	defer event.LookThrough(40, 7)()
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		rng := rand.New(rand.NewPCG(6, 41))
		pick := func(of ...string) string { return of[rng.IntN(len(of))] }
		now := int64(1_780_000_000_000)
		l, err := event.Open(t.Context(), event.Options{Store: db, Now: func() time.Time { return time.UnixMilli(now) }, Log: storetest.Logger(t)})
		if err != nil {
			t.Fatal(err)
		}
		none, err := l.Search(t.Context(), event.Search{Words: "x"}, 0, 5)
		if err != nil || len(none.Events) != 0 || none.Next != 0 {
			t.Fatalf("an empty log: %+v, %v", none, err)
		}
		for range 300 {
			now += rng.Int64N(3000) - 800
			_, err := l.Command(t.Context(), pick("person/ann", "person/bob", "system/correlate"), func(ctx context.Context, c event.Change) error {
				_, err := c.Append(ctx, event.New{Stream: pick("order/O", "package/P", "package/Q", "packages/P") + fmt.Sprint(rng.IntN(3)), Type: pick("test.put", "test.other"), Expect: -1, Data: struct{}{},
					Reason: pick("", "the DOOR stood open", "100% öffnete die Tür", "ÖFFNETE Tür_1", "door")})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		all, err := l.Read(t.Context(), 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(all)
		for range 120 {
			s := event.Search{Actor: pick("", "", "person/ann", "person/eve"), Kind: pick("", "", "package", "order"), Stream: pick("", "", "", "package/P1", "order/none"),
				Type: pick("", "", "test.put"), Words: pick("", "", "door", "Door open", "öffnete", "tür_", "%", "stood the")}
			if rng.IntN(2) == 0 {
				s.From = all[rng.IntN(300)].At
			}
			if rng.IntN(2) == 0 {
				s.To = all[rng.IntN(300)].At
			}
			var want, got []int64
			for _, e := range all {
				words := true
				for _, w := range strings.Fields(strings.ToLower(s.Words)) {
					words = words && strings.Contains(strings.ToLower(e.Reason), w)
				}
				if words && (s.Actor == "" || e.Actor == s.Actor) && (s.Stream == "" || e.Stream == s.Stream) && (s.Stream != "" || s.Kind == "" || strings.HasPrefix(e.Stream, s.Kind+"/")) &&
					(s.Type == "" || e.Type == s.Type) && e.At >= s.From && (s.To == 0 || e.At < s.To) {
					want = append(want, e.Position)
				}
			}
			pages, limit := 0, 1+rng.IntN(60)
			for below := int64(0); pages < 1000; pages++ {
				f, err := l.Search(t.Context(), s, below, limit)
				if err != nil {
					t.Fatalf("%+v: %v", s, err)
				}
				if len(f.Events) > limit || f.Next > 0 && below > 0 && f.Next >= below {
					t.Fatalf("%+v: %d events of at most %d, before %d and then %d", s, len(f.Events), limit, below, f.Next)
				}
				for _, e := range f.Events {
					got = append(got, e.Position)
				}
				if below = f.Next; below == 0 {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%+v: got %v, want %v", s, got, want)
			}
		}
		if _, err := l.Search(t.Context(), event.Search{Words: strings.Repeat("x", 201)}, 0, 5); err == nil {
			t.Error("words without end are looked for")
		}
	})
}
