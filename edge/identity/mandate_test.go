package identity

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"net/url"
	"testing"
	"time"

	"frostline/edge/disk/powercut"
	"frostline/proto/enrol"
)

// A gateway that was enrolled before hubs had such a key gets it when it
// renews; from then on it stays that one, whatever a renewal says.
func TestMandateKeyComesOnceAndStays(t *testing.T) {
	ca := newTestCA(t)
	d := powercut.New()
	i, err := open(Options{Dir: "/x", Log: quiet()}, d)
	if err != nil {
		t.Fatal(err)
	}
	if i.MandateKey() != nil {
		t.Error("a gateway that is not enrolled trusts a key")
	}
	h := &fakeHub{t: t, ca: ca}
	var gives []byte
	i.send = func(ctx context.Context, base *url.URL, path string, c *tls.Config, body any) (enrol.Response, error) {
		r, err := h.answer(ctx, base, path, c, body)
		r.MandateKey = gives
		return r, err
	}
	if err := i.keep(ca.settings(t, "vehicle-1", time.Now())); err != nil {
		t.Fatal(err)
	}
	first, other := bytes.Repeat([]byte{1}, ed25519.PublicKeySize), bytes.Repeat([]byte{2}, ed25519.PublicKeySize)
	for _, step := range []struct{ gives, want []byte }{{nil, nil}, {first, first}, {other, first}, {nil, first}} {
		gives = step.gives
		if err := i.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := i.MandateKey(); !bytes.Equal(got, step.want) {
			t.Errorf("after a renewal with key %x: trusts %x, want %x", step.gives, got, step.want)
		}
	}
	up, err := open(Options{Dir: "/x", Log: quiet()}, d.Cut(false))
	if err != nil || !bytes.Equal(up.MandateKey(), first) {
		t.Errorf("after a power cut: trusts %x, %v", up.MandateKey(), err)
	}
	gives = []byte("short")
	c := i.get()
	c.settings.MandateKey = nil
	if err := i.Renew(t.Context()); err == nil {
		t.Error("a key of 5 bytes was taken")
	}
}
