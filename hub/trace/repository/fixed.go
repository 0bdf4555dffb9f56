package repository

import (
	"fmt"
	"slices"
	"strings"

	"frostline/hub/trace/epcis"
)

// fixed are the parameters that have one name.
var fixed = map[string]handler{
	"eventType": func(q *reading, name, _ string, values []string) error {
		q.filter(Filter{Name: name, Kind: Type, Values: values})
		return nil
	},
	"EQ_action": func(q *reading, name, _ string, values []string) error {
		for _, v := range values {
			if !slices.Contains([]string{epcis.Add, epcis.Observe, epcis.Delete}, v) {
				return fmt.Errorf("%q: want ADD, OBSERVE or DELETE", v)
			}
		}
		q.filter(Filter{Name: name, Kind: Action, Values: values})
		return nil
	},
	"EQ_bizStep":                     words(BizStep, "bizstep:", "BizStep-"),
	"EQ_disposition":                 words(Disposition, "disp:", "Disp-"),
	"EQ_persistentDisposition_set":   words(Set, "disp:", "Disp-"),
	"EQ_persistentDisposition_unset": words(Unset, "disp:", "Disp-"),
	"EQ_errorReason":                 words(ErrorReason, "er:", "ER-"),
	"EQ_type":                        words(SensorType, "", ""),
	"EQ_readPoint":                   things(ReadPoint, false),
	"WD_readPoint":                   things(ReadPoint, true),
	"EQ_bizLocation":                 things(BizLocation, false),
	"WD_bizLocation":                 things(BizLocation, true),
	"EQ_transformationID":            things(Transformation, false),
	"EQ_deviceID":                    things(Device, false),
	"MATCH_epc":                      things(EPC, false, Child),
	"MATCH_parentID":                 things(EPC, false, Parent),
	"MATCH_inputEPC":                 things(EPC, false, Input),
	"MATCH_outputEPC":                things(EPC, false, Output),
	"MATCH_anyEPC":                   things(EPC, false),
	"MATCH_epcClass":                 things(Class, false, Child),
	"MATCH_inputEPCClass":            things(Class, false, Input),
	"MATCH_outputEPCClass":           things(Class, false, Output),
	"MATCH_anyEPCClass":              things(Class, false),
	"EQ_correctiveEventID":           texts(CorrectiveEvent),
	"EQ_dataProcessingMethod":        texts(Processing),
	"EQ_microorganism":               texts(Microorganism),
	"EQ_chemicalSubstance":           texts(Substance),
	"EQ_bizRules":                    texts(BizRules),
	"EQ_stringValue":                 texts(StringValue),
	"EQ_uriValue":                    texts(URIValue),
	"EQ_booleanValue":                texts(BooleanValue),
	"EQ_hexBinaryValue": func(q *reading, name, _ string, values []string) error {
		return texts(HexValue)(q, name, "", upper(values))
	},
	"EQ_eventID": func(q *reading, _, _ string, values []string) error {
		q.IDs = append(q.IDs, values)
		return nil
	},
	"EXISTS_errorDeclaration":  present("errorDeclaration"),
	"EXISTS_sensorElementList": present("sensorElementList"),
	"GE_eventTime":             bound(func(q *reading) **int64 { return &q.FromTime }),
	"LT_eventTime":             bound(func(q *reading) **int64 { return &q.BeforeTime }),
	"GE_recordTime":            bound(func(q *reading) **int64 { return &q.FromRecord }),
	"LT_recordTime":            bound(func(q *reading) **int64 { return &q.BeforeRecord }),
	"GE_errorDeclarationTime":  moment("errorDeclarationTime", AtLeast),
	"LT_errorDeclarationTime":  moment("errorDeclarationTime", Less),
	"GE_errorDeclaration_Time": moment("errorDeclarationTime", AtLeast), // as the schema of queries has it
	"LT_errorDeclaration_Time": moment("errorDeclarationTime", Less),
	"GE_time":                  moment("time", AtLeast),
	"LT_time":                  moment("time", Less),
	"GE_startTime":             moment("startTime", AtLeast),
	"LT_startTime":             moment("startTime", Less),
	"GE_endTime":               moment("endTime", AtLeast),
	"LT_endTime":               moment("endTime", Less),
	"orderBy": func(q *reading, _, _ string, values []string) error {
		v, err := one(values)
		if err == nil && v != "eventTime" && v != "recordTime" {
			err = fmt.Errorf("%q: want eventTime or recordTime", v)
		}
		q.ByRecord = v == "recordTime"
		return err
	},
	"orderDirection": func(q *reading, _, _ string, values []string) error {
		v, err := one(values)
		if err == nil && v != "ASC" && v != "DESC" {
			err = fmt.Errorf("%q: want ASC or DESC", v)
		}
		q.Descending = v == "DESC"
		return err
	},
	"eventCountLimit": func(q *reading, _, _ string, values []string) (err error) {
		q.Limit, err = count(values, 1<<53)
		return err
	},
	"maxEventCount": func(q *reading, _, _ string, values []string) (err error) {
		q.Most, err = count(values, maxMost)
		return err
	},
}

func upper(values []string) (all []string) {
	for _, v := range values {
		all = append(all, strings.ToUpper(v))
	}
	return all
}

// words are values of a standard vocabulary: bare, or as a URN or web URI,
// which mean the same. Other vocabulary is a URI.
func words(kind Kind, urn, web string) handler {
	return func(q *reading, name, _ string, values []string) error {
		f := Filter{Name: name, Kind: kind}
		for _, v := range values {
			f.Values = append(f.Values, v)
			for _, before := range []string{"urn:epcglobal:cbv:" + urn, "https://ref.gs1.org/cbv/" + web, "cbv:" + web, "https://gs1.org/voc/", "gs1:"} {
				if word, ok := strings.CutPrefix(v, before); ok && word != "" {
					f.Values = append(f.Values, word)
				}
			}
		}
		q.filter(f)
		return nil
	}
}

// things are identifiers and, of EPCs and classes, patterns, in any form.
func things(kind Kind, within bool, roles ...Role) handler {
	return func(q *reading, name, _ string, values []string) error {
		f := Filter{Name: name, Kind: kind, Roles: roles, Within: within}
		for _, v := range values {
			if !strings.HasPrefix(v, "urn:epc:idpat:") {
				f.Values = append(f.Values, epcis.Canonical(v))
				continue
			}
			link := epcis.Canonical(v)
			switch {
			case !strings.HasPrefix(link, "https://"):
				return fmt.Errorf("%q: of patterns, those are supported whose last part alone is *", v)
			case kind == Class:
				f.Values = append(f.Values, link)
			}
			f.Prefixes = append(f.Prefixes, link+"/")
		}
		q.filter(f)
		return nil
	}
}

func texts(kind Kind) handler {
	return func(q *reading, name, _ string, values []string) error {
		q.filter(Filter{Name: name, Kind: kind, Values: values})
		return nil
	}
}

func present(field string) handler {
	return func(q *reading, name, _ string, values []string) error {
		wanted, err := truly(values)
		if wanted {
			q.filter(Filter{Name: name, Kind: Present, Values: []string{field}})
		}
		return err
	}
}

func bound(of func(*reading) **int64) handler {
	return func(q *reading, _, _ string, values []string) error {
		at, err := instant(values)
		*of(q) = &at
		return err
	}
}

func moment(field string, compare Comparison) handler {
	return func(q *reading, name, _ string, values []string) error {
		at, err := instant(values)
		q.filter(Filter{Name: name, Field: field, Intervals: []Interval{compare(float64(at), 0)}})
		return err
	}
}
