package event_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"syscall"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store/storetest"
)

var benchEvents = flag.Int("events", 50_000, "events that BenchmarkRebuild replays")

// journey is what happens to one order, as its events come.
var journey = []string{
	fact.OrderWasPlaced, fact.ShipmentWasPlanned, fact.UnitWasReceived, fact.PackageWasPacked, fact.WasAttached, fact.ShipmentWasReported,
	fact.WasHandedOver, fact.WasAttached, fact.ShipmentWasReported, fact.WasHandedOver, fact.PackageWasClosed,
}

// liveOrders is how many orders are under way at once.
const liveOrders = 2000

// orderEvent is the nth event of a pharmacy's life.
func orderEvent(n int) event.New {
	round, within := n/(liveOrders*len(journey)), n%(liveOrders*len(journey))
	step, k := within/liveOrders, round*liveOrders+within%liveOrders
	order, shipment, pack := fmt.Sprint("O-", k), fmt.Sprint("S-", k), fmt.Sprintf("0034012340%08d", k)
	at := int64(1_760_000_000_000 + n*50)
	ref := fact.Ref{Kind: fact.Order, ID: order}
	var data any
	switch typ := journey[step]; typ {
	case fact.OrderWasPlaced:
		data = fact.OrderPlaced{ID: order, Patient: fmt.Sprintf("t-%016x", k), Lines: []fact.OrderLine{{Product: "insulin", Quantity: 2}}, Due: at + 86_400_000}
	case fact.ShipmentWasPlanned:
		ref = fact.Ref{Kind: fact.Shipment, ID: shipment}
		data = fact.ShipmentPlanned{ID: shipment, Order: order, From: "dc-1", Carrier: "courier", ETA: at + 3_600_000}
	case fact.ShipmentWasReported:
		ref = fact.Ref{Kind: fact.Shipment, ID: shipment}
		data = fact.ShipmentReported{ID: fmt.Sprint("R-", n), Shipment: shipment, Status: "in_transit", At: at, Source: "courier", Made: at,
			Position: &fact.Position{Latitude: 488_566_000, Longitude: 23_522_000, Accuracy: 4000}}
	case fact.PackageWasPacked:
		ref = fact.Ref{Kind: fact.Package, ID: pack}
		data = fact.PackagePacked{ID: pack, Shipment: shipment, Profile: "refrigerated", At: at, Made: at}
	case fact.WasHandedOver:
		ref = fact.Ref{Kind: fact.Package, ID: pack}
		data = fact.HandedOver{ID: fmt.Sprint("H-", n), Subject: ref, From: "dc-1", To: "courier", Role: "courier", At: at, Seal: "intact", NoPosition: "indoors", Made: at}
	case fact.WasAttached:
		ref = fact.Ref{Kind: fact.Package, ID: pack}
		data = fact.Attached{ID: fmt.Sprint("A-", n), Subject: ref, In: &fact.Ref{Kind: fact.Tote, ID: fmt.Sprint("tote-", k%500)}, At: at, Via: "scan", Made: at}
	case fact.UnitWasReceived:
		serial := fmt.Sprint("SN", k)
		ref = fact.Ref{Kind: fact.Unit, ID: "09506000134352." + serial}
		data = fact.UnitReceived{ID: ref.ID, Product: "insulin", GTIN: "09506000134352", Serial: serial, Lot: fmt.Sprint("L", k/1000), Expiry: "2027-06-30"}
	default:
		ref = fact.Ref{Kind: fact.Package, ID: pack}
		data = fact.PackageClosed{ID: pack, How: "delivered", At: at, Made: at}
	}
	return event.New{Stream: ref.String(), Expect: -1, Type: journey[step], Data: data}
}

// parcel is a read model of packages as a page would want them.
type parcel struct {
	Shipment string     `json:"shipment"`
	Profile  string     `json:"profile"`
	State    string     `json:"state"`
	Packed   int64      `json:"packed"`
	Closed   int64      `json:"closed,omitempty"`
	Place    fact.Ref   `json:"place"`
	Custody  []holder   `json:"custody,omitempty"`
	Places   []fact.Ref `json:"places,omitempty"`
}

type holder struct {
	To string `json:"to"`
	At int64  `json:"at"`
}

func foldParcel(e event.Event, rows *event.Rows[parcel]) error {
	var subject, place fact.Ref
	var change func(*parcel)
	switch e.Type {
	case fact.PackageWasPacked:
		var f fact.PackagePacked
		if err := json.Unmarshal(e.Data, &f); err != nil {
			return err
		}
		subject.ID = f.ID
		change = func(p *parcel) { p.Shipment, p.Profile, p.Packed, p.State = f.Shipment, f.Profile, f.At, "packed" }
	case fact.WasAttached:
		var f fact.Attached
		if err := json.Unmarshal(e.Data, &f); err != nil {
			return err
		}
		subject, place = f.Subject, *f.In
		change = func(p *parcel) { p.Place, p.Places = place, append(p.Places, place) }
	case fact.WasHandedOver:
		var f fact.HandedOver
		if err := json.Unmarshal(e.Data, &f); err != nil {
			return err
		}
		subject = f.Subject
		change = func(p *parcel) { p.Custody, p.State = append(p.Custody, holder{f.To, f.At}), "moving" }
	case fact.PackageWasClosed:
		var f fact.PackageClosed
		if err := json.Unmarshal(e.Data, &f); err != nil {
			return err
		}
		subject.ID = f.ID
		change = func(p *parcel) { p.Closed, p.State = f.At, f.How }
	default:
		return nil
	}
	p, err := rows.Get(subject.ID)
	if err != nil {
		return err
	}
	if p == nil {
		p = &parcel{}
	}
	change(p)
	rows.Put(subject.ID, p)
	return nil
}

// orderView is a read model of orders with what their shipments report.
type orderView struct {
	Order     fact.OrderPlaced        `json:"order"`
	Shipments []fact.ShipmentReported `json:"shipments,omitempty"`
}

func foldOrder(e event.Event, rows *event.Rows[orderView]) error {
	switch e.Type {
	case fact.OrderWasPlaced:
		var v orderView
		if err := json.Unmarshal(e.Data, &v.Order); err != nil {
			return err
		}
		rows.Put(v.Order.ID, &v)
	case fact.ShipmentWasReported:
		var f fact.ShipmentReported
		if err := json.Unmarshal(e.Data, &f); err != nil {
			return err
		}
		v, err := rows.Get("O-" + f.Shipment[2:])
		if err != nil || v == nil {
			return err
		}
		v.Shipments = append(v.Shipments, f)
		rows.Put(v.Order.ID, v)
	}
	return nil
}

func orderModels() []event.Model {
	return []event.Model{
		event.NewTable("parcel", event.Schema[parcel]{Fold: foldParcel, Keys: func(_ string, p *parcel) []event.Key {
			return []event.Key{{Name: "shipment", Value: p.Shipment}, {Name: "state", Value: p.State}}
		}}),
		event.NewTable("order", event.Schema[orderView]{Fold: foldOrder, Keys: func(_ string, v *orderView) []event.Key {
			return []event.Key{{Name: "patient", Value: v.Order.Patient}}
		}}),
	}
}

// BenchmarkRebuild replays events of a pharmacy to two read models.
func BenchmarkRebuild(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			db := storetest.Open(b, url(b))
			l, err := event.Open(b.Context(), event.Options{Store: db, Log: storetest.Logger(b)})
			if err != nil {
				b.Fatal(err)
			}
			fill(b, l, *benchEvents)
			if l, err = event.Open(b.Context(), event.Options{Store: db, Models: orderModels(), Log: storetest.Logger(b)}); err != nil {
				b.Fatal(err)
			}
			cpu := processor()
			for b.Loop() {
				if err := l.Rebuild(b.Context(), nil, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(*benchEvents)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric((processor()-cpu).Seconds()*1e6/float64(*benchEvents)/float64(b.N), "cpu-µs/event")
		})
	}
}

// processor is the time that this process has had of it.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func fill(t testing.TB, l *event.Log, n int) {
	t.Helper()
	for i := 0; i < n; {
		_, err := l.Command(t.Context(), "system/fill", func(ctx context.Context, c event.Change) error {
			var news []event.New
			for end := min(i+5000, n); i < end; i++ {
				news = append(news, orderEvent(i))
			}
			_, err := c.AppendAll(ctx, news)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
