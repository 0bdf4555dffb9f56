package epcis

import "testing"

func TestCanonicalIdentifiers(t *testing.T) {
	const id = "https://id.gs1.org/"
	for in, want := range map[string]string{
		"urn:epc:id:sgtin:4012345.011111.98%22":                          id + "01/04012345111118/21/98%22",
		"urn:epc:id:sgtin:415056789012.0.987654":                         id + "01/04150567890128/21/987654",
		"urn:epc:id:sgtin:0614141.812345.6789%2F%26%25%22!%3F()":         id + "01/80614141123458/21/6789%2F%26%25%22%21%3F%28%29",
		"urn:epc:id:sscc:4012345.3111111111":                             id + "00/340123451111111111",
		"urn:epc:id:sscc:4012345.0000000011":                             id + "00/040123450000000115",
		"urn:epc:id:sgln:4012345.00005.122":                              id + "414/4012345000054/254/122",
		"urn:epc:id:sgln:4012345.00005.0":                                id + "414/4012345000054",
		"urn:epc:id:sgln:401234500005..7":                                id + "414/4012345000054/254/7",
		"urn:epc:id:grai:4012345.00022.334455":                           id + "8003/04012345000221334455",
		"urn:epc:id:grai:401234500022..334455":                           id + "8003/04012345000221334455",
		"urn:epc:id:giai:4012345.ABC345":                                 id + "8004/4012345ABC345",
		"urn:epc:id:gsrn:4012345.0000006765":                             id + "8018/401234500000067657",
		"urn:epc:id:gsrnp:4012345.0000000007":                            id + "8017/401234500000000074",
		"urn:epc:id:gdti:4012345.00009.PO-4711":                          id + "253/4012345000092PO-4711",
		"urn:epc:id:gdti:987659999999..9":                                id + "253/98765999999929",
		"urn:epc:id:cpi:0614141.11111111111111-A%23%2F.1234":             id + "8010/061414111111111111111-A%23%2F/8011/1234",
		"urn:epc:id:sgcn:4012345.22222.04":                               id + "255/401234522222704",
		"urn:epc:id:ginc:0614141.xyz47%2F11":                             id + "401/0614141xyz47%2F11",
		"urn:epc:id:gsin:4012345.222333444":                              id + "402/40123452223334442",
		"urn:epc:id:itip:4012345.011111.01.02.987":                       id + "8006/040123451111180102/21/987",
		"urn:epc:id:upui:1234567.098765.51qIgY)%3C%26Jp3*j7SDB":          id + "01/01234567987651/235/51qIgY%29%3C%26Jp3%2Aj7SDB",
		"urn:epc:id:pgln:4000001.00000":                                  id + "417/4000001000005",
		"urn:epc:id:pgln:999999999999.":                                  id + "417/9999999999994",
		"urn:epc:class:lgtin:4012345.012345.Lot987":                      id + "01/04012345123456/10/Lot987",
		"urn:epc:idpat:sgtin:4012345.012345.*":                           id + "01/04012345123456",
		"urn:epc:idpat:grai:4012345.99999.*":                             id + "8003/04012345999990",
		"urn:epc:idpat:gdti:4012345.11111.*":                             id + "253/4012345111118",
		"urn:epc:idpat:sgcn:4012345.22222.*":                             id + "255/4012345222227",
		"urn:epc:idpat:cpi:4012345.AB12.*":                               id + "8010/4012345AB12",
		"urn:epc:idpat:itip:4012345.012345.01.02.*":                      id + "8006/040123451234560102",
		"urn:epc:idpat:upui:4012345.012345.*":                            id + "01/04012345123456",
		"https://id.gs1.org/gtin/09780345418913":                         id + "01/09780345418913",
		"https://example.com/gtin/09780345418913/21/765tz?abc=211121":    id + "01/09780345418913/21/765tz",
		"http://example.de/gtin-8/01/97803111":                           id + "01/00000097803111",
		"http://us-company-with-UPC.com/01/001122334455/ser/GHB":         id + "01/00001122334455/21/GHB",
		"https://id.gs1.org/gtin/9780345418913/cpv/344/lot/12/ser/765tz": id + "01/09780345418913/21/765tz",
		"https://id.gs1.org/gtin/9780345418913/cpv/344":                  id + "01/09780345418913",
		"http://example.de/01/040123451234/cpv/344/lot/ABD":              id + "01/00040123451234/10/ABD",
		"https://id.gs1.org/8006/040123451234560102/22/ABCD/10/XYZ":      id + "8006/040123451234560102/10/XYZ",
		"https://fashion.com/8006/040123451234560102/10/Lot-1/21/ser9":   id + "8006/040123451234560102/21/ser9",
		"https://example.co.uk/party/4226350800008":                      id + "417/4226350800008",
		"https://id.gs1.org/8010/0628165987/8011/9876":                   id + "8010/0628165987/8011/9876",
		"https://gs1.test.example.org/some/path/414/4280000000002":       id + "414/4280000000002",

		// These are left as they are.
		"http://example.org/123/4012345ABC987/456/4711":             "",
		"http://id.gs1.org/99/9780345418913":                        "",
		"http://id.gs1.org/01/9780345418913/99/utfgf":               "",
		"http://example.de/abc/9780345418913":                       "",
		"http://example.de/01/97803":                                "",
		"https://id.gs1.org/8006/04012345123456/22/ABCD/10/XYZ":     "",
		"urn:epc:id:sgtin:4012345.01111.98":                         "", // a digit is missing
		"urn:epc:id:sgtin:40123.01111111.98":                        "", // no company prefix
		"urn:epc:id:sgtin:4012345.011111.":                          "",
		"urn:epc:id:sgtin:4012345.011111.123456789012345678901":     "", // too long
		"urn:epc:id:sscc:4012345.31111111111":                       "",
		"urn:epc:id:usdod:2S194.12345678901":                        "",
		"https://example.org/01/09780345418913/21/765tz/11/221109x": "",
		"42": "", "Hello World!": "", "": "", "urn:epc:": "", "https://": "",
	} {
		if want == "" {
			want = in
		}
		if got := Canonical(in); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", in, got, want)
		}
		if got := Canonical(want); got != want {
			t.Errorf("Canonical(%q) = %q, though it is canonical", want, got)
		}
	}
}

func TestCanonicalNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"1.0": "1", "0.3434000": "0.3434", "452.0": "452", "007": "7", "+5": "5", "-0.0": "0", "1e3": "1000",
		"12.10000": "12.1", ".5": "0.5", "5.": "5", "1_000": "1000", "0.00001": "1e-05", "1e-7": "1e-07",
		// The reference implementation computes with float64, and so do we.
		"111100001111000011110000": "111100001111000003641344",
	} {
		if got, ok := canonicalNumber(in); !ok || got != want {
			t.Errorf("canonicalNumber(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "+", "e5", "1e", "nan", "inf", "Infinity", "0x10", "1 2", "f0f0f0", "2019-10-07", "+01:00", "1__0", "_1", "1e999", "1.2.3"} {
		if got, ok := canonicalNumber(in); ok {
			t.Errorf("canonicalNumber(%q) = %q, want none", in, got)
		}
	}
}

func TestCanonicalTimes(t *testing.T) {
	for in, want := range map[string]string{
		"2023-01-18T11:04:03.1415Z":                 "2023-01-18T11:04:03.142Z",
		"2023-01-18T11:04:03.1425Z":                 "2023-01-18T11:04:03.143Z", // away from even, too
		"2023-01-18T11:04:03.14149Z":                "2023-01-18T11:04:03.141Z", // by the fourth decimal alone
		"2023-12-31T23:59:59.9995Z":                 "2024-01-01T00:00:00.000Z",
		"2020-04-01T15:00:00+01:00":                 "2020-04-01T14:00:00.000Z",
		"2020-04-01T15:00:00.1-06:30":               "2020-04-01T21:30:00.100Z",
		"2020-02-28T24:00:00Z":                      "2020-02-29T00:00:00.000Z",
		"2020-04-01T15:00:00":                       "2020-04-01T15:00:00", // no zone: which instant is not said
		"2020-02-30T15:00:00Z":                      "2020-02-30T15:00:00Z",
		"yesterday":                                 "yesterday",
		"2020-04-01T15:00:00,5Z":                    "2020-04-01T15:00:00,5Z",
		"2020-04-01T15:00:00+0100":                  "2020-04-01T15:00:00+0100",
		"2020-04-01t15:00:00z":                      "2020-04-01t15:00:00z",
		"2020-04-01T15:00:60Z":                      "2020-04-01T15:00:60Z",
		"2020-04-01T15:00:00.Z":                     "2020-04-01T15:00:00.Z",
		"2020-04-01T15:00:00.12345678901234567890Z": "2020-04-01T15:00:00.123Z",
		"2019-09-10T08:40:21.31427150Z":             "2019-09-10T08:40:21.314Z",
	} {
		if got := canonicalTime(in); got != want {
			t.Errorf("canonicalTime(%q) = %q, want %q", in, got, want)
		}
	}
}
