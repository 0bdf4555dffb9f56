package sensing

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"frostline/hub/trace/epcis"
	"frostline/proto/thermal"
)

// wire is an event in EPCIS 2.0 JSON, as far as is needed here.
type wire struct {
	Type         string        `json:"type"`
	ID           string        `json:"eventID,omitempty"`
	Time         string        `json:"eventTime"`
	Offset       string        `json:"eventTimeZoneOffset"`
	Parent       string        `json:"parentID,omitempty"`
	EPCs         []string      `json:"epcList,omitempty"`
	Children     []string      `json:"childEPCs,omitempty"`
	Action       string        `json:"action"`
	Step         string        `json:"bizStep"`
	Disposition  string        `json:"disposition,omitempty"`
	Persistent   *persistent   `json:"persistentDisposition,omitempty"`
	ReadPoint    *named        `json:"readPoint,omitempty"`
	Location     *named        `json:"bizLocation,omitempty"`
	Transactions []transaction `json:"bizTransactionList,omitempty"`
	Sources      []party       `json:"sourceList,omitempty"`
	Destinations []party       `json:"destinationList,omitempty"`
	Sensors      []sensor      `json:"sensorElementList,omitempty"`
	Error        *declaration  `json:"errorDeclaration,omitempty"`
}

type (
	named struct {
		ID string `json:"id"`
	}
	persistent struct {
		Set []string `json:"set"`
	}
	transaction struct {
		Type string `json:"type"`
		ID   string `json:"bizTransaction"`
	}
	party struct {
		Type        string `json:"type"`
		Source      string `json:"source,omitempty"`
		Destination string `json:"destination,omitempty"`
	}
	declaration struct {
		Time       string   `json:"declarationTime"`
		Reason     string   `json:"reason"`
		Corrective []string `json:"correctiveEventIDs,omitempty"`
	}
	sensor struct {
		Metadata metadata `json:"sensorMetadata"`
		Reports  []says   `json:"sensorReport"`
	}
	metadata struct {
		Start  string `json:"startTime,omitempty"`
		End    string `json:"endTime,omitempty"`
		Device string `json:"deviceID,omitempty"`
		Raw    string `json:"rawData,omitempty"`
		Method string `json:"dataProcessingMethod,omitempty"`
		Rules  string `json:"bizRules,omitempty"`
	}
	says struct {
		Type       string        `json:"type"`
		Exception  string        `json:"exception,omitempty"`
		Method     string        `json:"dataProcessingMethod,omitempty"`
		Time       string        `json:"time,omitempty"`
		Value      *thermal.Temp `json:"value,omitempty"`
		Min        *thermal.Temp `json:"minValue,omitempty"`
		Max        *thermal.Temp `json:"maxValue,omitempty"`
		Mean       *thermal.Temp `json:"meanValue,omitempty"`
		Deviation  *thermal.Temp `json:"sDev,omitempty"`
		Rank       int           `json:"percRank,omitempty"`
		Percentile *thermal.Temp `json:"percValue,omitempty"`
		Unit       string        `json:"uom,omitempty"`
	}
)

// stamp is a time as EPCIS writes it.
func stamp(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// render says a statement in EPCIS, with the hash of its content as its id.
func (k *Keeper) render(ctx context.Context, s *statement) (*wire, error) {
	w := &wire{Type: epcis.ObjectEvent, Time: stamp(s.At), Offset: "+00:00", Action: s.Action, Step: s.Step, Disposition: s.Disposition}
	var epcs []string
	for _, t := range s.Things {
		epcs = append(epcs, k.thing(t))
	}
	if s.Parent != "" {
		w.Type, w.Parent, w.Children = epcis.AggregationEvent, k.thing(s.Parent), epcs
	} else {
		w.EPCs = epcs
	}
	if len(s.Set) > 0 {
		w.Persistent = &persistent{s.Set}
	}
	if err := k.where(ctx, s, w); err != nil {
		return nil, err
	}
	if s.Shipment != "" {
		w.Transactions = []transaction{{"desadv", k.own("shipments", s.Shipment)}}
	}
	for _, e := range s.Elements {
		w.Sensors = append(w.Sensors, k.element(s, &e))
	}
	b, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	e, err := epcis.ParseEvent(b)
	if err != nil {
		return nil, fmt.Errorf("statement %s: %w", s.topic, err)
	}
	if problems := e.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("statement %s: %w", s.topic, problems[0])
	}
	w.ID = e.HashID()
	return w, nil
}

func (k *Keeper) where(ctx context.Context, s *statement, w *wire) error {
	point, location := s.Place, ""
	if s.Place != "" && !strings.HasPrefix(s.Place, "geo:") {
		var err error
		if point, location, err = k.spot(ctx, s.Place); err != nil {
			return err
		}
	}
	if point != "" {
		w.ReadPoint = &named{point}
	}
	if location != "" {
		w.Location = &named{location}
	}
	from, err := k.party(ctx, s.From)
	if err != nil {
		return err
	}
	to, err := k.party(ctx, s.To)
	if err != nil {
		return err
	}
	if from != "" {
		w.Sources = []party{{Type: "possessing_party", Source: from}}
	}
	if to != "" {
		w.Destinations = []party{{Type: "possessing_party", Destination: to}}
	}
	return nil
}

func (k *Keeper) element(s *statement, e *element) sensor {
	out := sensor{Metadata: metadata{Start: stamp(e.From), End: stamp(e.To)}}
	m := &out.Metadata
	if e.Device != "" {
		m.Device = k.own(strings.Split(e.Device, "/")...)
	}
	if e.Rules != "" {
		rules, limit, _ := strings.Cut(e.Rules, "#")
		if m.Rules = k.own(strings.Split("profiles/"+rules, "/")...); limit != "" {
			m.Rules += "#" + escape(limit)
		}
	}
	if e.Method != "" {
		m.Method = k.own("methods", e.Method)
	}
	if e.Proof != "" {
		if s.Shipment != "" {
			m.Raw = k.own("shipments", s.Shipment, "evidence")
		} else {
			m.Raw = k.own(strings.SplitN(s.Things[0], "/", 2)...)
		}
		m.Raw += "#" + e.Proof
	}
	for _, r := range e.Says {
		one := says{Type: r.Type, Exception: r.Exception, Time: stamp(r.At), Value: r.Value, Min: r.Min, Max: r.Max, Mean: r.Mean, Deviation: r.Deviation, Rank: r.Rank, Percentile: r.Percentile}
		if r.Value != nil || r.Min != nil {
			one.Unit = "CEL"
		}
		if r.Method != "" {
			one.Method = k.own("methods", r.Method)
		}
		out.Reports = append(out.Reports, one)
	}
	return out
}
