package epcis

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// many is a document of n events of a shipment: mostly a handful of serials,
// each tenth with a sensor element and an extension.
func many(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"@context":["` + ContextURL + `",{"cc":"https://coldchain.example/ns/"}],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-21T01:00:00.000Z","epcisBody":{"eventList":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"ObjectEvent","eventID":"urn:uuid:0b9d8b6e-6d0d-4a52-9e0a-%012x","eventTime":"2026-11-20T18:42:%02d.%03dZ","eventTimeZoneOffset":"-05:00","action":"OBSERVE","bizStep":"shipping","disposition":"in_transit","epcList":[`, i, i%60, i%1000)
		for j := range 5 {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"urn:epc:id:sgtin:030001.0012345.%d"`, i*5+j)
		}
		b.WriteString(`],"readPoint":{"id":"urn:epc:id:sgln:030001.111121.0"},"bizLocation":{"id":"https://id.gs1.org/414/0300011111215"},"bizTransactionList":[{"type":"desadv","bizTransaction":"urn:epcglobal:cbv:bt:0300011111116:ASN-4711"}],"sourceList":[{"type":"owning_party","source":"urn:epc:id:pgln:030001.111111"}],"destinationList":[{"type":"owning_party","destination":"urn:epc:id:pgln:039999.999999"}]`)
		if i%10 == 0 {
			b.WriteString(`,"sensorElementList":[{"sensorMetadata":{"startTime":"2026-11-20T18:05:00.000Z","endTime":"2026-11-20T18:42:00.000Z","deviceID":"https://id.gs1.org/8004/0300011LOGGER77"},"sensorReport":[{"type":"Temperature","uom":"CEL","minValue":2.4,"maxValue":7.9,"meanValue":5.1}]}],"cc:verdict":"in_range"`)
		}
		b.WriteByte('}')
	}
	b.WriteString("]}}")
	return b.Bytes()
}

// BenchmarkCapture reads, validates, hashes and writes events as a capture
// does, on one core.
func BenchmarkCapture(b *testing.B) {
	const events = 2000
	document := many(events)
	gs1, err := os.ReadFile("testdata/xml12/GS1_US_Pharma_Example_2_2_1_1.xml")
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name, media string
		document    []byte
		events      int
	}{{"json", "application/json", document, events}, {"xml12", "application/xml", gs1, 8}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.document)))
			b.ReportAllocs()
			begin := processorTime(b)
			for b.Loop() {
				n := 0
				_, err := Read(bytes.NewReader(c.document), c.media, Limits{}, func(e *Event) error {
					if p := e.Validate(); len(p) > 0 {
						return p[0]
					}
					if e.HashID() == "" || len(e.JSON()) == 0 {
						return io.ErrUnexpectedEOF
					}
					n++
					return nil
				})
				if err != nil || n != c.events {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64(c.events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			// What a core does when it has nothing else to do.
			b.ReportMetric(float64(c.events)*float64(b.N)/(processorTime(b)-begin).Seconds(), "events/cpu-s")
		})
	}
}

// processorTime is what this process has used so far, collection of garbage
// included.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkCanonical(b *testing.B) {
	for b.Loop() {
		if !strings.HasPrefix(Canonical("urn:epc:id:sgtin:030001.0012345.11"), linkBase) {
			b.Fatal("not canonical")
		}
	}
}
