package sensing

import (
	"context"

	"frostline/hub/fact"
	"frostline/hub/trace/epcis"
)

// unit states that a unit was received: when the hub was first told of it.
func (k *Keeper) unit(ctx context.Context, ref fact.Ref) ([]statement, error) {
	for after := int64(0); ; {
		events, err := k.o.Events.Stream(ctx, ref.String(), after, 100)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if e.Type == fact.UnitWasReceived {
				return []statement{{topic: "received", At: e.At, Step: "receiving", Disposition: "in_progress", Action: epcis.Observe, Things: []string{ref.String()}}}, nil
			}
			after = e.Version
		}
		if len(events) < 100 {
			return nil, nil
		}
	}
}
