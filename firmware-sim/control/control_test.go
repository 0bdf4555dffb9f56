package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"frostline/firmware-sim/fault"
)

// recorder is a target that writes down what it is told.
type recorder struct{ told []string }

func (r *recorder) Status() Status       { return Status{Board: "test"} }
func (r *recorder) Time() (int64, int64) { return 5, 1_700_000_000_005 }
func (r *recorder) note(s string)        { r.told = append(r.told, s) }
func (r *recorder) SetClock(c Clock) error {
	r.note(fmt.Sprintf("clock %v %g", c.Driven, c.Speed))
	return nil
}
func (r *recorder) SetFault(name string, f fault.Fault) error {
	r.note(name + " " + f.String())
	return nil
}
func (r *recorder) Advance(_ context.Context, toMs int64) error {
	if toMs < 0 {
		return errors.New("back")
	}
	r.note(fmt.Sprint("advance ", toMs))
	return nil
}

func TestRequestsReachTheTarget(t *testing.T) {
	for _, c := range []struct{ line, told, failure string }{
		{`{"op":"status"}`, "", ""},
		{`{"op":"fault","device":"probe-1","fault":"drift","value":0.5}`, "probe-1 drift 0.5 °C/h", ""},
		{`{"op":"fault","device":"probe-1","fault":"crc"}`, "probe-1 crc 0.5 share of frames", ""},
		{`{"op":"fault","device":"room","fault":"none"}`, "room none", ""},
		{`{"op":"fault","device":"room","fault":"stuck"}`, "room stuck", ""},
		{`{"op":"advance","to_ms":10000}`, "advance 10000", ""},
		{`{"op":"clock","mode":"driven","utc_ms":1763712000000,"to_ms":0}`, "clock true 1", ""},
		{`{"op":"clock","mode":"real","speed":60}`, "clock false 60", ""},
		{`{"op":"clock","mode":"real"}`, "clock false 1", ""},

		{`{"op":"advance","to_ms":-1}`, "", "back"},
		{`{"op":"advance"}`, "", "want to_ms"},
		{`{"op":"advance","to_ms":1,"speed":2}`, "", "field speed does not belong"},
		{`{"op":"dance"}`, "", `op "dance" is not known`},
		{`{"op":"status","colour":"red"}`, "", "colour"},
		{`{"op":"status"} {"op":"status"}`, "", "something follows"},
		{`{"op":"fault","device":"room"}`, "", "want both"},
		{`{"op":"fault","device":"room","fault":"gremlin"}`, "", `fault "gremlin" is not known: want one of none, unplugged`},
		{`{"op":"fault","device":"room","fault":"crc","value":2}`, "", "fault crc with value 2: want 0 to 1"},
		{`{"op":"fault","device":"room","fault":"none","value":2}`, "", "it takes no value"},
		{`{"op":"clock","mode":"warp"}`, "", `mode "warp"`},
		{`{"op":"clock","mode":"real","speed":1e9}`, "", "speed 1e+09: want"},
		{`{"op":"clock","mode":"real","to_ms":1}`, "", "to_ms belongs to mode driven"},
		{`{"op":"clock","mode":"driven","speed":2}`, "", "speed belongs to mode real"},
		{`{"op":"clock","mode":"driven","utc_ms":5}`, "", "utc_ms 5: want"},
		{`hello`, "", "not one JSON object"},
		{``, "", "not one JSON object"},
	} {
		target := &recorder{}
		var out bytes.Buffer
		if err := Serve(t.Context(), strings.NewReader(c.line+"\n"), &out, target); err != nil {
			t.Fatalf("%s: %v", c.line, err)
		}
		var r Response
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("%s: response %q: %v", c.line, out.String(), err)
		}
		if r.OK != (c.failure == "") || !strings.Contains(r.Error, c.failure) || r.NowMs != 5 || r.UTCms != 1_700_000_000_005 {
			t.Errorf("%s: %s", c.line, out.String())
		}
		if got := strings.Join(target.told, "; "); got != c.told {
			t.Errorf("%s: target was told %q, want %q", c.line, got, c.told)
		}
	}
}

func TestLongLineEndsTheConnection(t *testing.T) {
	var out bytes.Buffer
	err := Serve(t.Context(), strings.NewReader(strings.Repeat("x", MaxLine+1)), &out, &recorder{})
	if err == nil || !strings.Contains(err.Error(), "longer than 65536 bytes") || out.Len() > 0 {
		t.Errorf("error %v, output %q", err, out.String())
	}
}

// Whatever comes, each line gets one response of one line, and nothing that
// was refused reaches the target.
func FuzzServe(f *testing.F) {
	f.Add([]byte(`{"op":"clock","mode":"driven","utc_ms":1763712000000,"to_ms":0}` + "\n" + `{"op":"advance","to_ms":10000}`))
	f.Add([]byte(`{"op":"fault","device":"a","fault":"noisy","value":1e308}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		target := &recorder{}
		var out bytes.Buffer
		if err := Serve(context.Background(), bytes.NewReader(in), &out, target); err != nil {
			return
		}
		good := 0
		for line := range bytes.Lines(out.Bytes()) {
			var r Response
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatalf("response %q: %v", line, err)
			}
			if r.OK && r.Status == nil {
				good++
			}
		}
		if good != len(target.told) {
			t.Errorf("%d good responses, target was told %q", good, target.told)
		}
	})
}
