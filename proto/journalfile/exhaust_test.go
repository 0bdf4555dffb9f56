package journalfile

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// small is a file with all kinds of lines: two epochs, an absence, seals.
func small(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, "van-1", "test", testKey("van-1"))
	if err != nil {
		t.Fatal(err)
	}
	raws, heads := chainOf("van-1", 1, 9)
	for i := range raws {
		if i == 4 {
			err = errors.Join(err, w.Absent(1, 5, 6, "damaged"))
		}
		if i < 4 || i >= 6 {
			err = errors.Join(err, w.Block(1, heads[i], raws[i]))
		}
	}
	raws, heads = chainOf("van-1", 2, 8)
	for i := range raws {
		err = errors.Join(err, w.Block(2, heads[i], raws[i]))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPromise6EverySingleChangeIsLocated makes every change there is of one kind
// or another, and not a sample of them: bits of each byte flipped, each byte
// taken out, one put in before each, each line dropped, doubled and moved to each
// other place, each two lines swapped, and each byte the last. The reader reads
// up to the first line that is another, and names it.
func TestPromise6EverySingleChangeIsLocated(t *testing.T) {
	file := small(t)
	lines := bytes.SplitAfter(file, []byte("\n"))
	lines = lines[:len(lines)-1]
	changes := map[string]int{}
	check := func(what string, changed []byte) {
		t.Helper()
		changes[what]++
		at, pos := 0, 0 // the first line that is not as it was
		for at < len(lines) && bytes.HasPrefix(changed[pos:], lines[at]) {
			pos += len(lines[at])
			at++
		}
		n, err := drain(NewReader(bytes.NewReader(changed)))
		var f *Fault
		if !errors.As(err, &f) || f.Line != uint64(at+1) || n != at {
			t.Fatalf("%s: line %d is the first that is another; read %d lines, %v", what, at+1, n, err)
		}
		// Where a signature is found instead of a block, the number is of what it signs.
		found, _, _ := bytes.Cut(changed[pos:], []byte("\n"))
		if at < len(lines) && !bytes.Contains(found, []byte(`"kind":"seal"`)) {
			if want := lineBlock(lines[at]); want > 0 && f.Number != want {
				t.Fatalf("%s line %d: %v; want block %d", what, at+1, f, want)
			}
		}
	}
	bits := []byte{1, 4, 32, 128}
	if testing.Short() {
		bits = []byte{1, 32}
	}
	for i := range file {
		for _, bit := range bits {
			edited := slices.Clone(file)
			edited[i] ^= bit
			check("bit flipped", edited)
		}
		check("byte taken out", slices.Concat(file[:i], file[i+1:]))
		check("byte put in", slices.Concat(file[:i], []byte{'0'}, file[i:]))
		check("cut", file[:i])
	}
	for i, line := range lines {
		check("line dropped", slices.Concat(slices.Delete(slices.Clone(lines), i, i+1)...))
		check("line doubled", slices.Concat(slices.Insert(slices.Clone(lines), i, line)...))
		for k := range lines {
			moved := slices.Insert(slices.Delete(slices.Clone(lines), i, i+1), k, line)
			if k != i {
				check("line moved", slices.Concat(moved...))
			}
			if k > i {
				swapped := slices.Clone(lines)
				swapped[i], swapped[k] = swapped[k], swapped[i]
				check("lines swapped", slices.Concat(swapped...))
			}
		}
	}
	t.Logf("%d bytes, %d lines: %v", len(file), len(lines), changes)
}
