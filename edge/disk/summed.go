package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// Encode gives a file of one line of JSON and the SHA-256 of that line in hex.
func Encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(b, "\n%x\n", sha256.Sum256(b)), nil
}

// Decode reads what Encode gave, of at most so many bytes. It fails where the
// line is another than was written; v is to be used only where it does not.
func Decode(b []byte, most int, v any) error {
	if len(b) > most {
		return fmt.Errorf("%d bytes: want at most %d", len(b), most)
	}
	line, sum, _ := bytes.Cut(b, []byte("\n"))
	if want := sha256.Sum256(line); string(bytes.TrimSpace(sum)) != hex.EncodeToString(want[:]) {
		return errors.New("its checksum is wrong")
	}
	return json.Unmarshal(line, v)
}
