package disk

import "testing"

// TestEveryByteCounts: a file of which any byte is another, missing or too much
// is not read.
func TestEveryByteCounts(t *testing.T) {
	type thing struct{ A, B string }
	b, err := Encode(thing{"one", "two\n"})
	if err != nil {
		t.Fatal(err)
	}
	var got thing
	if err := Decode(b, len(b), &got); err != nil || got != (thing{"one", "two\n"}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if Decode(b, len(b)-1, &got) == nil {
		t.Error("a file that is too long is read")
	}
	for i := range len(b) - 1 { // the newline at the end may be missing
		c := append([]byte(nil), b...)
		c[i] ^= 1
		if Decode(c, len(c), &got) == nil {
			t.Errorf("read with byte %d changed", i)
		}
		if Decode(b[:i], len(b), &got) == nil {
			t.Errorf("read when cut at %d", i)
		}
	}
	if Decode(append([]byte("x"), b...), 1<<20, &got) == nil {
		t.Error("read with a byte before it")
	}
}
