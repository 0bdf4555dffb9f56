package main

import (
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// fleet is packages in compartments, each compartment with one thermometer.
type fleet struct {
	gateways []*fridges
	profile  string
	packages []packed
}

// packed is a package from an instant on.
type packed struct {
	id          string
	compartment int // its number, of all gateways' thermometers in order
	at          int64
}

// newFleet is a number of compartments, twenty on each gateway.
func newFleet(compartments, onGateway int, step int64, ticks int) *fleet {
	f := &fleet{profile: "refrigerated"}
	for at := 0; at < compartments; at += onGateway {
		f.gateways = append(f.gateways, newFridges(fmt.Sprintf("van-%04d", at/onGateway), min(onGateway, compartments-at), step, ticks))
	}
	return f
}

// pack puts a package into a compartment from a time since noon on.
func (f *fleet) pack(compartment int, at int64) {
	f.packages = append(f.packages, packed{fmt.Sprintf("PKG-%06d", len(f.packages)), compartment, noon + at})
}

// tell appends all that people and scanners have said, in transactions of a
// thousand events.
func (f *fleet) tell(ctx context.Context, log *event.Log) error {
	var all []event.New
	n := 0
	for _, g := range f.gateways {
		for i := range g.series {
			in := fact.Ref{Kind: fact.Compartment, ID: fmt.Sprintf("c-%05d", n)}
			n++
			all = append(all, attached(fact.Ref{Kind: fact.Sensor, ID: g.sensor(i)}, in, noon-second))
		}
	}
	for _, p := range f.packages {
		ref := fact.Ref{Kind: fact.Package, ID: p.id}
		all = append(all, event.New{Stream: ref.String(), Expect: -1, Type: fact.PackageWasPacked,
			Data: fact.PackagePacked{ID: p.id, Profile: f.profile, At: p.at, Made: p.at}},
			attached(ref, fact.Ref{Kind: fact.Compartment, ID: fmt.Sprintf("c-%05d", p.compartment)}, p.at))
	}
	for len(all) > 0 {
		some := all[:min(1000, len(all))]
		if _, err := log.Command(ctx, "system/bench", func(ctx context.Context, c event.Change) error {
			for _, n := range some {
				if _, err := c.Append(ctx, n); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		all = all[len(some):]
	}
	return nil
}

func attached(subject, in fact.Ref, at int64) event.New {
	return event.New{Stream: subject.String(), Expect: -1, Type: fact.WasAttached,
		Data: fact.Attached{ID: "at-" + subject.ID, Subject: subject, In: &in, At: at, Made: at, Via: "scan"}}
}
