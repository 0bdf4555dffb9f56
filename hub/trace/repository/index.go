package repository

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"frostline/hub/trace/epcis"
	"frostline/hub/trace/unit"
)

// Index gives an event as it is stored, with everything that it can be found
// by. An event without an id gets its hash as one.
func Index(e *epcis.Event) (*Record, error) {
	hash := e.HashID()
	hexa, _, _ := strings.Cut(strings.TrimPrefix(hash, "ni:///sha-256;"), "?")
	r := &Record{ID: e.ID, Hash: hexa, Time: e.Time.UnixMilli()}
	if r.ID == "" {
		r.ID = hash
	}
	var err error
	var declaration []byte
	if r.Document, declaration, err = kept(e.JSON(), r.ID); err != nil {
		return nil, err
	}
	if len(declaration) > 0 {
		sum := sha256.Sum256(declaration)
		r.Declares = hex.EncodeToString(sum[:])
	}
	x := &indexer{r: r, seen: map[Term]bool{}}
	x.what(e)
	x.which(e)
	x.sensors(e.Sensors)
	x.fields("", e.Extensions(), true)
	x.fields("ILMD ", e.ILMD(), true)
	return r, nil
}

// indexer collects terms and numbers, each once.
type indexer struct {
	r    *Record
	seen map[Term]bool
}

func (x *indexer) term(kind Kind, value string, role Role) {
	t := Term{kind, value, role}
	if value == "" || x.seen[t] {
		return
	}
	x.seen[t] = true
	x.r.Terms = append(x.r.Terms, t)
}

func (x *indexer) terms(kind Kind, values []string, role Role) {
	for _, v := range values {
		x.term(kind, v, role)
	}
}

// things are identifiers, which can be written in several ways.
func (x *indexer) things(kind Kind, ids []string, role Role) {
	for _, id := range ids {
		x.term(kind, epcis.Canonical(id), role)
	}
}

func (x *indexer) number(field string, v float64) {
	x.r.Numbers = append(x.r.Numbers, Number{field, v})
}

func (x *indexer) time(field string, t time.Time) {
	if !t.IsZero() {
		x.number(field, float64(t.UnixMilli()))
	}
}

// what happened, where and why.
func (x *indexer) what(e *epcis.Event) {
	x.term(Type, e.Type, None)
	x.term(Action, e.Action, None)
	x.term(BizStep, e.BizStep, None)
	x.term(Disposition, e.Disposition, None)
	x.terms(Set, e.Set, None)
	x.terms(Unset, e.Unset, None)
	x.things(ReadPoint, []string{e.ReadPoint}, None)
	x.things(BizLocation, []string{e.BizLocation}, None)
	x.things(Transformation, []string{e.TransformationID}, None)
	for _, t := range e.Transactions {
		x.term(BizTransaction, typed(t.Type, t.ID), None)
	}
	for _, p := range e.Sources {
		x.term(Source, typed(p.Type, p.ID), None)
	}
	for _, p := range e.Destinations {
		x.term(Destination, typed(p.Type, p.ID), None)
	}
	if e.Error != nil {
		x.term(Present, "errorDeclaration", None)
		x.term(ErrorReason, e.Error.Reason, None)
		x.terms(CorrectiveEvent, e.Error.Corrective, None)
		x.time("errorDeclarationTime", e.Error.Time)
	}
}

// typed is the id of something that has a type.
func typed(typ, id string) string { return typ + " " + epcis.Canonical(id) }

// which things took part.
func (x *indexer) which(e *epcis.Event) {
	x.things(EPC, e.EPCs, Child)
	x.things(EPC, e.ChildEPCs, Child)
	x.things(EPC, []string{e.ParentID}, Parent)
	x.things(EPC, e.InputEPCs, Input)
	x.things(EPC, e.OutputEPCs, Output)
	for role, lists := range map[Role][][]epcis.Quantity{Child: {e.Quantities, e.ChildQuantities}, Input: {e.InputQuantities}, Output: {e.OutputQuantities}} {
		for _, list := range lists {
			for _, q := range list {
				x.things(Class, []string{q.Class}, role)
				if v, ok := q.Amount.Float(); ok {
					x.number("quantity", v)
					if q.Unit != "" {
						x.measure("quantity", v, q.Unit)
					}
				}
			}
		}
	}
}

func (x *indexer) measure(field string, v float64, uom string) {
	v, base := unit.Base(v, uom)
	x.number(field+" "+base, v)
}

func (x *indexer) sensors(all []epcis.SensorElement) {
	if len(all) > 0 {
		x.term(Present, "sensorElementList", None)
	}
	for _, s := range all {
		m := s.Metadata
		x.time("time", m.Time)
		x.time("startTime", m.Start)
		x.time("endTime", m.End)
		x.things(Device, []string{m.DeviceID}, None)
		x.term(Processing, m.Method, None)
		x.term(BizRules, m.Rules, None)
		for i := range s.Reports {
			x.report(&s.Reports[i])
		}
	}
}

func (x *indexer) report(r *epcis.SensorReport) {
	x.term(SensorType, r.Type, None)
	x.things(Device, []string{r.DeviceID}, None)
	x.term(Processing, r.Method, None)
	x.term(BizRules, r.Rules, None)
	x.term(Microorganism, r.Microorganism, None)
	x.term(Substance, r.ChemicalSubstance, None)
	x.term(StringValue, r.String, None)
	x.term(HexValue, strings.ToUpper(r.Hex), None)
	x.term(URIValue, r.URI, None)
	x.term(BooleanValue, r.Bool, None)
	x.time("time", r.Time)
	for field, n := range map[string]epcis.Number{"value": r.Value, "minValue": r.Min, "maxValue": r.Max, "meanValue": r.Mean, "percValue": r.PercValue} {
		if v, ok := n.Float(); ok {
			x.measure(field, v, r.Unit)
		}
	}
	if v, ok := r.StdDev.Float(); ok {
		v, base := unit.Difference(v, r.Unit)
		x.number("sDev "+base, v)
	}
	if v, ok := r.PercRank.Float(); ok {
		x.number("percRank", v)
	}
}

// fields are extensions, under the names by which queries ask for them.
func (x *indexer) fields(scope string, all []epcis.Field, top bool) {
	for _, f := range all {
		if strings.HasPrefix(f.Name, "@") {
			continue
		}
		name := fieldName(f.Namespace, f.Name)
		if top {
			x.field(scope+name, f)
		}
		x.field("INNER "+scope+name, f)
		for _, a := range f.Fields {
			if attribute, ok := strings.CutPrefix(a.Name, "@"); ok {
				x.term(Extension, "HASATTR "+name+" "+attribute, None)
				x.term(Extension, "EQATTR "+name+" "+attribute+" "+a.Text, None)
			}
		}
		x.fields(scope, f.Fields, false)
	}
}

func (x *indexer) field(name string, f epcis.Field) {
	x.term(Present, name, None)
	if f.Text == "" {
		return
	}
	x.term(Extension, name+" "+f.Text, None)
	if v, err := strconv.ParseFloat(f.Text, 64); err == nil && v-v == 0 {
		x.number(name, v)
	} else if t, err := time.Parse(time.RFC3339Nano, f.Text); err == nil {
		x.time(name+" time", t)
	}
}

// fieldName is an extension's name with its namespace, whatever that ends in:
// a namespace of XML often lacks what ends one of JSON-LD.
func fieldName(namespace, name string) string {
	return strings.TrimRight(namespace, "#/:") + "#" + name
}
