package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"frostline/hub/fact"
)

// pharmacy gives a hub commands over its socket, as pharmacy systems and
// scanners do: each under a key of its own, and again until the hub has said
// that it is done.
type pharmacy struct {
	*site
	http *http.Client

	mu       sync.Mutex
	done     []deed // answered with success
	tried    []deed // given up before there was an answer
	answers  map[int]int
	packages []string // packed
}

// deed is a command: a call, and what it leaves in the log of events once it is done.
type deed struct {
	key, method, path, kind string
	body                    []byte
	// leaves are streams and types of events; each is there once, and all or
	// none.
	leaves []mark
}

type mark struct{ stream, typ string }

func newPharmacy(s *site) *pharmacy {
	return &pharmacy{site: s, answers: map[int]int{}, http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", s.socket())
		},
	}, Timeout: 20 * time.Second}}
}

func (p *pharmacy) make(key, method, path string, body any, leaves ...mark) deed {
	b, err := json.Marshal(body)
	p.must(err)
	return deed{key, method, path, "application/json", b, leaves}
}

// try calls once. 0 means that there was no answer.
func (p *pharmacy) try(ctx context.Context, c deed) (status int, answer []byte) {
	r, err := http.NewRequestWithContext(ctx, c.method, "http://hub"+c.path, bytes.NewReader(c.body))
	if err != nil {
		p.Error(err)
		return 0, nil
	}
	if len(c.body) > 0 {
		r.Header.Set("Content-Type", c.kind)
	}
	if c.key != "" {
		r.Header.Set("Idempotency-Key", c.key)
	}
	resp, err := p.http.Do(r)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	p.mu.Lock()
	p.answers[resp.StatusCode]++
	p.mu.Unlock()
	return resp.StatusCode, answer
}

// insist calls until the hub says that it is done. It fails the test where the
// hub says anything but that or that it is in trouble.
func (p *pharmacy) insist(ctx context.Context, c deed) bool {
	for ctx.Err() == nil {
		status, answer := p.try(ctx, c)
		switch {
		case status/100 == 2:
			p.mu.Lock()
			p.done = append(p.done, c)
			p.mu.Unlock()
			return true
		case status == http.StatusConflict && bytes.Contains(answer, []byte("in-progress")): // the first is still under way
		case status != 0 && status < 500:
			p.Errorf("%s %s: %d %s", c.method, c.path, status, answer)
			return false
		}
		breathe(ctx)
	}
	return false
}

// breathe spares a hub that is down; what waits for a condition asks anew.
func breathe(ctx context.Context) {
	t := time.NewTimer(20 * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

const tight = "tight" // a profile that everything here breaks at once

func ms(t time.Time) int64 { return t.UnixMilli() }

// enter tells what there is: two zones of one site with the gateway's sensors.
func (p *pharmacy) enter(ctx context.Context) {
	p.Helper()
	type o = map[string]any
	defined := func(kind fact.Kind, id string) mark {
		return mark{fact.Ref{Kind: kind, ID: id}.String(), fact.DefinedBy(kind)}
	}
	yesterday := ms(time.Now().Add(-24 * time.Hour))
	all := []deed{
		p.make("e1", "PUT", "/profiles/"+tight, o{"name": "tight", "source": "test", "low": 2, "high": 3, "longestGap": 30_000, "activation": 83144,
			"limits": []o{{"name": "above 3 °C", "op": ">", "at": 3, "timer": "single", "delay": 0, "deadband": 1, "severity": "critical"}}}),
		p.make("e2", "PUT", "/sites/s", o{"name": "s"}, defined(fact.Site, "s")),
		p.make("e3", "PUT", "/zones/cold-1", o{"site": "s", "name": "1"}, defined(fact.Zone, "cold-1")),
		p.make("e4", "PUT", "/zones/cold-2", o{"site": "s", "name": "2"}, defined(fact.Zone, "cold-2")),
		p.make("e5", "PUT", "/gateways/van-1", o{"name": "van-1", "site": "s"}, defined(fact.Gateway, "van-1")),
		p.make("e6", "PUT", "/parties/pharmacy", o{"name": "pharmacy", "role": "pharmacy"}),
		p.make("e7", "PUT", "/parties/courier", o{"name": "courier", "role": "courier"}),
		p.make("e8", "PUT", "/products/insulin", o{"name": "insulin", "gtin": "00614141100101", "profile": tight}),
		p.make("e9", "PUT", "/sensors/van-1%2Fair-1", o{"name": "air-1"}),
		p.make("e10", "PUT", "/sensors/van-1%2Fair-2", o{"name": "air-2"}),
		p.make("e11", "POST", "/attachments", o{"statements": []o{
			{"id": "m1", "subject": o{"kind": "sensor", "id": "van-1/air-1"}, "in": o{"kind": "zone", "id": "cold-1"}, "at": yesterday},
			{"id": "m2", "subject": o{"kind": "sensor", "id": "van-1/air-2"}, "in": o{"kind": "zone", "id": "cold-2"}, "at": yesterday},
		}}),
	}
	for _, c := range all {
		if !p.insist(ctx, c) {
			p.Fatalf("%s %s was not done", c.method, c.path)
		}
	}
}

// story is one shipment of one package: ordered, packed, scanned, handed over,
// on its way, and scanned late.
func (p *pharmacy) story(ctx context.Context, c *chance, n int) {
	type o = map[string]any
	id := fmt.Sprint(n)
	pkg, shipment := "P-"+id, "S-"+id
	units := []string{"00614141100101.A" + id, "00614141100101.B" + id}
	packed := ms(time.Now().Add(-time.Second))
	zone := fmt.Sprint("cold-", 1+c.below(2))
	commands := []deed{
		p.make("o"+id, "PUT", "/orders/O-"+id, o{"patient": "pt_" + id + "a7c3", "lines": []o{{"product": "insulin", "quantity": 2}}}, mark{"order/O-" + id, fact.OrderWasPlaced}),
		p.make("s"+id, "PUT", "/shipments/"+shipment, o{"order": "O-" + id, "from": "s", "carrier": "courier"}, mark{"shipment/" + shipment, fact.ShipmentWasPlanned}),
	}
	for i, u := range units {
		commands = append(commands, p.make(fmt.Sprint("u", id, "-", i), "PUT", "/units/"+u,
			o{"product": "insulin", "gtin": "00614141100101", "serial": u[15:], "lot": "L1", "expiry": "2031-08-31"}, mark{"unit/" + u, fact.UnitWasReceived}))
	}
	commands = append(commands,
		p.make("p"+id, "PUT", "/packages/"+pkg, o{"shipment": shipment, "at": packed, "in": o{"kind": "zone", "id": zone}, "units": units},
			mark{"package/" + pkg, fact.PackageWasPacked}, mark{"unit/" + units[0], fact.WasAttached}, mark{"unit/" + units[1], fact.WasAttached}, mark{"package/" + pkg, fact.WasAttached}),
		p.make("c"+id, "POST", "/custody", o{"statements": []o{{"id": "h1-" + id, "subject": o{"kind": "shipment", "id": shipment}, "to": "pharmacy", "role": "pharmacy",
			"at": packed, "seal": "intact", "noPosition": "indoors"}}}, mark{"h1-" + id, fact.WasHandedOver}),
	)
	if c.in(50) { // a scan that comes late
		commands = append(commands, p.make("a"+id, "POST", "/attachments", o{"device": true, "statements": []o{{"id": "sc-" + id, "subject": o{"kind": "package", "id": pkg},
			"in": o{"kind": "zone", "id": fmt.Sprint("cold-", 1+c.below(2))}, "at": packed + int64(c.below(900))}}}, mark{"sc-" + id, fact.WasAttached}))
	}
	commands = append(commands,
		p.make("r"+id, "POST", "/deliveries/"+shipment+"/status", o{"id": "r1-" + id, "status": "in_transit", "at": packed + 500}),
		p.make("d"+id, "POST", "/custody", o{"statements": []o{{"id": "h2-" + id, "subject": o{"kind": "shipment", "id": shipment}, "from": "pharmacy", "to": "courier", "role": "courier",
			"at": packed + 400, "seal": "intact", "noPosition": "indoors"}}}, mark{"h2-" + id, fact.WasHandedOver}),
	)
	for _, c := range commands {
		if !p.insist(ctx, c) {
			return
		}
	}
	p.mu.Lock()
	p.packages = append(p.packages, pkg)
	p.mu.Unlock()
}

// load imports so many totes at once. One that got no answer is given up now
// and then: it is done wholly, or not at all.
func (p *pharmacy) load(ctx context.Context, c *chance, n, rows int) {
	name := fmt.Sprint("T-", n)
	cmd := deed{key: fmt.Sprint("i", n), method: "POST", path: "/imports/totes", kind: "application/x-ndjson", body: totes(name, rows)}
	for i := range rows {
		cmd.leaves = append(cmd.leaves, mark{fmt.Sprintf("tote/%s-%d", name, i), fact.DefinedBy(fact.Tote)})
	}
	if !c.in(40) {
		p.insist(ctx, cmd)
		return
	}
	status, answer := p.try(ctx, cmd)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case status/100 == 2:
		p.done = append(p.done, cmd)
	case status == 0 || status >= 500:
		p.tried = append(p.tried, cmd)
	default:
		p.Errorf("import: %d %s", status, answer)
	}
}

// totes are records to import.
func totes(name string, rows int) []byte {
	var b strings.Builder
	for i := range rows {
		fmt.Fprintf(&b, `{"id":"%s-%d","name":"tote %d"}`+"\n", name, i, i)
	}
	return []byte(b.String())
}

// closeAll closes all packages as delivered now.
func (p *pharmacy) closeAll(ctx context.Context) {
	p.Helper()
	at := ms(time.Now())
	for _, pkg := range p.packages {
		if !p.insist(ctx, p.make("x"+pkg, "POST", "/packages/"+pkg+"/close", map[string]any{"how": "delivered", "at": at}, mark{"package/" + pkg, fact.PackageWasClosed})) {
			p.Fatalf("package %s was not closed", pkg)
		}
	}
}

// get asks for JSON or a document.
func (p *pharmacy) get(path string) ([]byte, error) {
	status, answer := p.try(p.Context(), deed{method: "GET", path: path})
	if status != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %d %s", path, status, answer)
	}
	return answer, nil
}

// acknowledgeAll acknowledges all excursions: none is escalated from then on.
func (p *pharmacy) acknowledgeAll(ctx context.Context) {
	p.Helper()
	var list struct {
		Items []struct{ ID, State string }
	}
	b, err := p.get("/excursions?limit=500")
	p.must(err)
	p.must(json.Unmarshal(b, &list))
	for _, x := range list.Items {
		if x.State == "opened" || x.State == "reopened" || x.State == "retracted" {
			p.insist(ctx, p.make("k"+x.ID, "POST", "/excursions/"+x.ID+"/acknowledge", map[string]any{"reason": "seen"}, mark{"excursion/" + x.ID, fact.ExcursionWasAcknowledged}))
		}
	}
}
