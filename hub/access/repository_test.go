package access

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"reflect"
	"testing"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// repositories runs a test over every Repository.
func repositories(t *testing.T, test func(t *testing.T, r Repository)) {
	t.Run("memory", func(t *testing.T) { test(t, newMemory()) })
	storetest.Run(t, func(t *testing.T, db *store.DB) { test(t, NewSQL(db)) })
}

func TestRepositoryContract(t *testing.T) {
	repositories(t, func(t *testing.T, r Repository) {
		ctx := t.Context()
		update := func(do func(ctx context.Context, tx Tx) error) {
			t.Helper()
			if err := r.Update(ctx, do); err != nil {
				t.Fatal(err)
			}
		}
		// Nothing there.
		update(func(ctx context.Context, tx Tx) error {
			_, g := tx.Gateway(ctx, "vehicle-1")
			_, c := tx.Code(ctx, "x")
			_, cert := tx.Certificate(ctx, "01")
			for _, err := range []error{g, c, cert} {
				if !errors.Is(err, ErrNotFound) {
					t.Errorf("missing record: %v, want ErrNotFound", err)
				}
			}
			owner, err := tx.SealKeyOwner(ctx, bytes.Repeat([]byte{1}, 32))
			if owner != "" {
				t.Errorf("owner of an unknown key is %q", owner)
			}
			return err
		})
		known, err := r.Load(ctx, 0)
		if err != nil || len(known.Authorities)+len(known.Gateways)+len(known.Certificates)+len(known.SealKeys) != 0 {
			t.Fatalf("empty: %+v, %v", known, err)
		}
		// What is saved is read, and replaced.
		g := Gateway{ID: "vehicle-1", Enrolled: 1000}
		key := SealKey{Gateway: "vehicle-1", ID: "0102030405060708", Public: ed25519.PublicKey(bytes.Repeat([]byte{7}, 32)), From: 1001}
		key2 := SealKey{Gateway: "vehicle-2", ID: "0102030405060708", Public: ed25519.PublicKey(bytes.Repeat([]byte{8}, 32)), From: 1002}
		certs := []Certificate{
			{Serial: "0a", Gateway: "vehicle-1", NotBefore: 1, NotAfter: 5000, DER: []byte{0, 1, 255}},
			{Serial: "0b", Gateway: "vehicle-1", NotBefore: 2, NotAfter: 6000, DER: []byte{2}},
			{Serial: "0c", Gateway: "vehicle-2", NotBefore: 3, NotAfter: 7000, DER: []byte{3}},
		}
		codes := []CodeState{
			{Digest: "aa", Gateway: "vehicle-1", Created: 1, Expires: 100},
			{Digest: "bb", Gateway: "vehicle-1", Created: 2, Expires: 200, Used: 150, UsedKeys: "k", UsedSerial: "0a"},
			{Digest: "cc", Gateway: "vehicle-2", Created: 3, Expires: 300},
		}
		update(func(ctx context.Context, tx Tx) error {
			errs := []error{tx.SaveGateway(ctx, g), tx.SaveGateway(ctx, Gateway{ID: "vehicle-2", Enrolled: 2000}),
				tx.SaveSealKey(ctx, key), tx.SaveSealKey(ctx, key2), tx.SaveAuthority(ctx, "f1", 5),
				tx.AddEvent(ctx, Event{At: 9, Actor: "test é", Action: ActCode, Gateway: "vehicle-1", Detail: "one"}),
				tx.AddEvent(ctx, Event{At: 9, Actor: "test", Action: ActEnrolled, Gateway: "vehicle-2", Detail: "two"})}
			for _, c := range certs {
				errs = append(errs, tx.SaveCertificate(ctx, c))
			}
			for _, c := range codes {
				errs = append(errs, tx.SaveCode(ctx, c))
			}
			return errors.Join(errs...)
		})
		update(func(ctx context.Context, tx Tx) error {
			for _, want := range codes {
				if got, err := tx.Code(ctx, want.Digest); err != nil || got != want {
					t.Errorf("code: %+v, %v, want %+v", got, err, want)
				}
			}
			for _, want := range certs {
				if got, err := tx.Certificate(ctx, want.Serial); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("certificate: %+v, %v, want %+v", got, err, want)
				}
			}
			if owner, err := tx.SealKeyOwner(ctx, key2.Public); err != nil || owner != "vehicle-2" {
				t.Errorf("owner %q, %v", owner, err)
			}
			g.Revoked, g.RevokedFor = 3000, "lost"
			codes[2].Used, codes[2].UsedKeys, codes[2].UsedSerial = 250, "k2", "0c"
			return errors.Join(tx.SaveGateway(ctx, g), tx.SaveCode(ctx, codes[2]), tx.VoidCodes(ctx, "vehicle-1", 77),
				tx.RevokeCertificates(ctx, "vehicle-1", 88, "lost"))
		})
		update(func(ctx context.Context, tx Tx) error {
			codes[0].Void = 77
			for _, want := range codes {
				if got, err := tx.Code(ctx, want.Digest); err != nil || got != want {
					t.Errorf("code: %+v, %v, want %+v", got, err, want)
				}
			}
			if got, err := tx.Gateway(ctx, "vehicle-1"); err != nil || got != g {
				t.Errorf("gateway: %+v, %v, want %+v", got, err, g)
			}
			// A second revocation does not change when and why the first was.
			return tx.RevokeCertificates(ctx, "vehicle-1", 99, "again")
		})
		known, err = r.Load(ctx, 5000)
		if err != nil {
			t.Fatal(err)
		}
		certs[1].Revoked, certs[1].RevokedFor, certs[1].DER, certs[2].DER = 88, "lost", nil, nil
		want := Known{Authorities: []string{"f1"}, Gateways: []Gateway{g, {ID: "vehicle-2", Enrolled: 2000}}, Certificates: certs[1:], SealKeys: []SealKey{key, key2}}
		if !reflect.DeepEqual(known, want) {
			t.Errorf("known\n%+v, want\n%+v", known, want)
		}
		// What fails changes nothing, and keys stay unique.
		boom := errors.New("boom")
		err = r.Update(ctx, func(ctx context.Context, tx Tx) error {
			if err := errors.Join(tx.SaveGateway(ctx, Gateway{ID: "vehicle-3"}), tx.DropCodes(ctx, 1e6), tx.AddEvent(ctx, Event{Detail: "never"})); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Errorf("update: %v, want the error of do", err)
		}
		for _, dup := range []SealKey{key, {Gateway: "vehicle-9", ID: "ff", Public: key.Public}, {Gateway: "vehicle-1", ID: key.ID, Public: bytes.Repeat([]byte{9}, 32)}} {
			if err := r.Update(ctx, func(ctx context.Context, tx Tx) error { return tx.SaveSealKey(ctx, dup) }); err == nil {
				t.Errorf("the same key was saved twice: %+v", dup)
			}
		}
		if again, err := r.Load(ctx, 5000); err != nil || !reflect.DeepEqual(again, known) {
			t.Errorf("after failures\n%+v, %v, want\n%+v", again, err, known)
		}
		update(func(ctx context.Context, tx Tx) error { return tx.DropCodes(ctx, 200) })
		update(func(ctx context.Context, tx Tx) error {
			if _, err := tx.Code(ctx, "aa"); !errors.Is(err, ErrNotFound) {
				t.Errorf("an old code is still there: %v", err)
			}
			_, err := tx.Code(ctx, "bb")
			return err
		})
		// The trail: newest first, pages, by gateway.
		for _, c := range []struct {
			gateway string
			before  int64
			limit   int
			want    string
		}{{"", 0, 10, "two one "}, {"", 0, 1, "two "}, {"", 2, 10, "one "}, {"vehicle-1", 0, 10, "one "}, {"vehicle-9", 0, 10, ""}, {"", 0, 0, ""}} {
			events, err := r.Events(ctx, c.gateway, c.before, c.limit)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, e := range events {
				got += e.Detail + " "
			}
			if got != c.want {
				t.Errorf("events of %q before %d, at most %d: %q, want %q", c.gateway, c.before, c.limit, got, c.want)
			}
		}
		events, _ := r.Events(ctx, "vehicle-1", 0, 1)
		if want := (Event{ID: 1, At: 9, Actor: "test é", Action: ActCode, Gateway: "vehicle-1", Detail: "one"}); events[0] != want {
			t.Errorf("event %+v, want %+v", events[0], want)
		}
	})
}
