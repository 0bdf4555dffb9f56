package fact

import "fmt"

// Types of events about reusable boxes and loggers, in the stream of the thing.
const (
	AssetWasCleaned  = "asset.cleaned"
	AssetWasExpected = "asset.expected"
)

// AssetCleaned: a reusable box or logger was cleaned.
type AssetCleaned struct {
	ID     string `json:"id"`    // of the statement
	Asset  Ref    `json:"asset"` // tote or logger
	At     int64  `json:"at"`    // UTC, Unix ms
	Method string `json:"method,omitempty"`
}

// AssetExpected says by when one that is out is to be back; the last said holds.
type AssetExpected struct {
	ID    string `json:"id"`
	Asset Ref    `json:"asset"`
	By    int64  `json:"by"` // UTC, Unix ms; 0: it is not waited for
}

// CheckAsset fails for what is neither a tote nor a logger.
func CheckAsset(r Ref) error {
	if r.Kind != Tote && r.Kind != Logger {
		return fmt.Errorf("kind %q: want tote or logger", r.Kind)
	}
	return r.Check()
}

func init() {
	Register(AssetWasCleaned, AssetCleaned{})
	Register(AssetWasExpected, AssetExpected{})
}
