package access

import (
	"errors"
	"testing"
)

// Each change as failed, and as failed but done: the second finds what is
// granted twice, or lost.
func TestFaultsOfTheRepository(t *testing.T) {
	boom := errors.New("disk full")
	for _, done := range []bool{false, true} {
		m := newMemory()
		d := newDesk(t, m)
		ctx := t.Context()
		fail := func() {
			m.failing = func() (error, error) {
				m.failing = nil
				if done {
					return nil, boom
				}
				return boom, nil
			}
		}
		dev := newDevice(t, "vehicle-1")
		fail()
		if _, _, err := d.NewCode(ctx, "test", "vehicle-1"); !errors.Is(err, boom) {
			t.Errorf("done %v: code: %v", done, err)
		}
		code, _, err := d.NewCode(ctx, "test", "vehicle-1")
		if err != nil {
			t.Fatal(err)
		}
		req := dev.request(t, code.String())
		fail()
		if _, err := d.Enrol(ctx, "here", req); !errors.Is(err, boom) || kindOf(err) != "" {
			t.Errorf("done %v: enrol: %v", done, err)
		}
		resp, err := d.Enrol(ctx, "here", req)
		if err != nil {
			t.Fatalf("done %v: enrol again: %v", done, err)
		}
		if dev.cert, err = parseCertificate([]byte(resp.Certificate)); err != nil {
			t.Fatal(err)
		}
		if g, err := d.Authorize(dev.cert); err != nil || g != "vehicle-1" {
			t.Errorf("done %v: authorize: %v", done, err)
		}
		if len(m.state.certs) != 1 || len(m.state.keys) != 1 {
			t.Errorf("done %v: %d certificates and %d keys, want one of each", done, len(m.state.certs), len(m.state.keys))
		}
		fail()
		if _, err := d.Renew(ctx, "here", dev.cert, renewal(t, dev)); !errors.Is(err, boom) {
			t.Errorf("done %v: renew: %v", done, err)
		}
		if _, err := d.Renew(ctx, "here", dev.cert, renewal(t, dev)); err != nil {
			t.Errorf("done %v: renew again: %v", done, err)
		}
		fail()
		if err := d.Revoke(ctx, "qa", "vehicle-1", "lost"); !errors.Is(err, boom) {
			t.Errorf("done %v: revoke: %v", done, err)
		}
		if err := d.Revoke(ctx, "qa", "vehicle-1", "lost"); err != nil {
			t.Errorf("done %v: revoke again: %v", done, err)
		}
		if _, err := d.Authorize(dev.cert); err == nil {
			t.Errorf("done %v: revoked and authorized", done)
		}
		for _, c := range m.state.certs {
			if c.Revoked == 0 {
				t.Errorf("done %v: certificate %s outlived the revocation", done, c.Serial)
			}
		}
	}
}
