package gs1

import "testing"

// labels are texts as a gateway or a hub meets them.
var labels = []struct{ name, text string }{
	{"unit", "]d20100300021433802211234567890123\x1d1727063010LOT7A"},
	{"caret", "^010030002143380221ABC123^1727063010LOT7A"},
	{"logistic", "]C10000614141123456789002003000214338023724\x1d10LOT7A\x1d1727063040012345"},
	{"bracketed", "(01)00300021433802(21)ABC123(17)270630(10)LOT7A"},
	{"link", "https://id.gs1.org/01/00300021433802/10/LOT7A/21/ABC123?17=270630"},
	{"urn", "urn:epc:id:sgtin:0300021.043380.ABC123"},
}

// BenchmarkParse reports how many texts of each form one processor takes apart
// and checks in a second. Each round takes long enough to measure alone.
func BenchmarkParse(b *testing.B) {
	for _, l := range labels {
		b.Run(l.name, func(b *testing.B) {
			const round = 200_000
			b.ReportAllocs()
			for b.Loop() {
				for range round {
					if _, err := Parse(l.text); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(round*float64(b.N)/b.Elapsed().Seconds(), "texts/s")
		})
	}
}
