package gs1

import "testing"

func TestNDCs(t *testing.T) {
	for _, c := range []struct{ in, code, eleven, twelve, gtin string }{
		{"0002-1433-80", "0002-1433-80", "00002-1433-80", "000002-1433-80", "30300021433803"},
		{"50242-040-62", "50242-040-62", "50242-0040-62", "050242-0040-62", "30350242040625"},
		{"60575-4112-1", "60575-4112-1", "60575-4112-01", "060575-4112-01", "30360575411214"},
		{"0002143380", "0002143380", "", "", "30300021433803"},
		{"50242004062", "50242-0040-62", "50242-0040-62", "050242-0040-62", "30350242040625"},
		{"050242004062", "050242-0040-62", "50242-0040-62", "050242-0040-62", "30350242040625"},
		{"00002-0433-08", "00002-0433-08", "00002-0433-08", "000002-0433-08", ""}, // of three codes of ten digits
		{"12345-1234-12", "12345-1234-12", "12345-1234-12", "012345-1234-12", ""}, // of none
		{"123456-123-12", "123456-123-12", "", "123456-0123-12", ""},
		{"012345-1234-1", "012345-1234-1", "12345-1234-01", "012345-1234-01", ""},
		{"123456-1234-12", "123456-1234-12", "", "123456-1234-12", ""},
	} {
		n, err := ParseNDC(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		eleven, _ := n.Eleven()
		twelve, _ := n.Twelve()
		gtin, _ := n.GTIN(3)
		if n.String() != c.code || eleven.String() != c.eleven || twelve.String() != c.twelve || gtin != c.gtin {
			t.Errorf("%s: %s, %s, %s, %s, want %+v", c.in, n, eleven, twelve, gtin, c)
		}
		if gtin == "" {
			continue
		}
		back, level, err := NDCOf(gtin)
		if err != nil || level != 3 || back.Hyphenated() || !back.Matches(n) || !n.Matches(back) {
			t.Errorf("%s: %s: %s, %d: %v", c.in, gtin, back, level, err)
		}
	}
	for _, bad := range []string{"", "1", "0002-1433", "0002-1433-800", "0002-14a3-80", "0002-1433-80-1", "123456789", "1234567890123"} {
		if n, err := ParseNDC(bad); err == nil {
			t.Errorf("%q: %s", bad, n)
		}
	}
}

func TestNDCOfElements(t *testing.T) {
	e := Elements{{"01", "00300021433802"}}
	n, err := e.NDC()
	if err != nil || n.String() != "0002143380" {
		t.Fatalf("%s: %v", n, err)
	}
	known, err := ParseNDC("000002-1433-80")
	if err != nil {
		t.Fatal(err)
	}
	if full, err := n.Hyphenate(known); err != nil || full.String() != "0002-1433-80" {
		t.Errorf("%s: %v", full, err)
	}
	other, _ := ParseNDC("0002-1433-81")
	if _, err := n.Hyphenate(other); err == nil || n.Matches(other) {
		t.Error("hyphens of another product")
	}
	if n, err := (Elements{{"01", "04012345678901"}}).NDC(); err == nil {
		t.Errorf("of a GTIN that is none: %s", n)
	}
	if n, err := (Elements{{"01", "04012345678901"}, {"715", "0002-1433-80"}}).NDC(); err != nil || n.Labeler != "0002" {
		t.Errorf("%s: %v", n, err)
	}
	if _, err := (Elements{}).NDC(); err == nil {
		t.Error("of nothing")
	}
}
