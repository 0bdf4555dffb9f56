package gs1

import (
	"encoding/json"
	"fmt"
	"io"
)

// Prefixes says how many digits company prefixes have. GS1 publishes the table
// (GCP length table, gcpprefixformatlist.json) but does not let it be passed
// on, so that none is embedded: whoever runs the program fetches it. It does
// not change, and can be used concurrently.
type Prefixes struct {
	lengths map[string]int
	longest int
}

// maxPrefixes bounds the table; GS1's has about 60,000 entries.
const maxPrefixes = 1_000_000

// ReadPrefixes reads GS1's table in its JSON form.
func ReadPrefixes(r io.Reader) (*Prefixes, error) {
	var file struct {
		List struct {
			Entry []struct {
				Prefix string `json:"prefix"`
				Length int    `json:"gcpLength"`
			} `json:"entry"`
		} `json:"GCPPrefixFormatList"`
	}
	if err := json.NewDecoder(io.LimitReader(r, 64<<20)).Decode(&file); err != nil {
		return nil, fmt.Errorf("table of company prefixes: %w; give GS1's gcpprefixformatlist.json", err)
	}
	if n := len(file.List.Entry); n == 0 || n > maxPrefixes {
		return nil, fmt.Errorf("table of company prefixes: %d entries of GCPPrefixFormatList; want 1 to %d; give GS1's gcpprefixformatlist.json", n, maxPrefixes)
	}
	p := &Prefixes{lengths: make(map[string]int, len(file.List.Entry))}
	for i, e := range file.List.Entry {
		if e.Prefix == "" || len(e.Prefix) > 12 || !allDigits(e.Prefix) || e.Length != 0 && (e.Length < 4 || e.Length > 12) {
			return nil, fmt.Errorf("table of company prefixes: entry %d: prefix %q of length %d; want up to 12 digits, and 4 to 12 or 0", i, e.Prefix, e.Length)
		}
		p.lengths[e.Prefix] = e.Length
		p.longest = max(p.longest, len(e.Prefix))
	}
	return p, nil
}

// Length gives how many digits the company prefix of a key has, by the longest
// entry that the key begins with, or 0 if the table does not say. The key
// begins with its prefix, as [EPC.Company] gives it. A nil table says nothing.
func (p *Prefixes) Length(key string) int {
	if p == nil {
		return 0
	}
	for n := min(p.longest, len(key)); n > 0; n-- {
		if length, ok := p.lengths[key[:n]]; ok {
			return length
		}
	}
	return 0
}
