package fact

// Types of events that the contexts of orders and custody add.
const (
	PackageWasAssigned = "orders.package_assigned"
	ScanWasSetAside    = "custody.scan_set_aside"
	ScanWasSettled     = "custody.scan_settled"
)

func init() {
	Register(PackageWasAssigned, PackageAssigned{})
	Register(ScanWasSetAside, ScanSetAside{})
	Register(ScanWasSettled, ScanSettled{})
}

// ScanSetAside is a scan of a device that could not be taken, since it speaks
// of something that is not known yet. It is kept and tried again; nothing of
// it is in effect meanwhile. One of Attached and HandedOver is set.
type ScanSetAside struct {
	ID         string      `json:"id"` // of the scan
	Attached   *Attached   `json:"attached,omitempty"`
	HandedOver *HandedOver `json:"handedOver,omitempty"`
	Problem    string      `json:"problem"` // why, in words
	// Wants is the thing or the earlier statement that it waits for, as
	// "KIND/ID" or "statement/ID"; "" where only a person can help.
	Wants string `json:"wants,omitempty"`
}

// ScanSettled ends the waiting of a scan that was set aside.
type ScanSettled struct {
	ID  string `json:"id"`
	How string `json:"how"` // accepted, or dropped by a person
}
