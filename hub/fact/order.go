package fact

// OrderPlaced is an order of the pharmacy system, whole after each change.
type OrderPlaced struct {
	ID      string      `json:"id"`
	Patient string      `json:"patient,omitempty"` // an opaque token
	Lines   []OrderLine `json:"lines"`
	Due     int64       `json:"due,omitempty"` // UTC, Unix ms
}

// OrderLine is so much of a product.
type OrderLine struct {
	Product  string `json:"product"`
	Quantity int    `json:"quantity"`
}

// OrderCancelled ends an order before its delivery.
type OrderCancelled struct {
	ID string `json:"id"`
}

// ShipmentPlanned is a delivery of an order's packages to one place, whole
// after each change.
type ShipmentPlanned struct {
	ID      string `json:"id"`
	Order   string `json:"order,omitempty"`
	From    string `json:"from,omitempty"` // site
	To      string `json:"to,omitempty"`   // site; "" for a patient's home
	Carrier string `json:"carrier,omitempty"`
	ETA     int64  `json:"eta,omitempty"` // UTC, Unix ms; 0 where nobody has told
}

// ShipmentReported is a status of a shipment as its carrier or custodian says.
type ShipmentReported struct {
	ID       string    `json:"id"` // of the report
	Shipment string    `json:"shipment"`
	Status   string    `json:"status"` // see Statuses
	At       int64     `json:"at"`
	ETA      int64     `json:"eta,omitempty"`
	Position *Position `json:"position,omitempty"`
	Source   string    `json:"source"`
	Made     int64     `json:"made"`
	Note     string    `json:"note,omitempty"`
}

// Statuses of a shipment, in the order in which they are reached. The last
// four are ends.
var Statuses = []string{"planned", "packed", "dispatched", "in_transit", "arrived", "delivered", "returned", "failed", "cancelled"}

// Ended reports whether a status is an end.
func Ended(status string) bool {
	switch status {
	case "delivered", "returned", "failed", "cancelled":
		return true
	}
	return false
}

// PackagePacked begins the watch over a package. Where it is, and which units
// are in it, is told by Attached. Of several for one package the one with the
// greatest Made holds, wholly; the hub lets Made only grow.
type PackagePacked struct {
	ID       string `json:"id"`                 // SSCC or label
	Shipment string `json:"shipment,omitempty"` // that it belongs to from At on, until PackageAssigned
	// Profile that the package is judged by when it has no unit whose product
	// says more; a version of 0 is the one in force at At.
	Profile string `json:"profile,omitempty"`
	Version int    `json:"version,omitempty"`
	At      int64  `json:"at"` // the watch begins
	Made    int64  `json:"made"`
}

// PackageAssigned says to which shipment a package belongs from At on: to one
// at a time. Statements are ordered by (At, Made, ID).
type PackageAssigned struct {
	ID       string `json:"id"` // of the statement
	Package  string `json:"package"`
	Shipment string `json:"shipment,omitempty"` // "" for none
	At       int64  `json:"at"`
	Made     int64  `json:"made"`
}

// Ends are the ways in which the watch over a package can end. A package that
// was voided was entered by mistake: nothing was ever in it.
var Ends = []string{"delivered", "returned", "destroyed", "lost", "voided"}

// PackageClosed ends the watch: the package was delivered, returned to stock
// or destroyed at At. Of several for one package the one with the greatest Made
// holds; the hub lets Made only grow.
type PackageClosed struct {
	ID     string `json:"id"`
	How    string `json:"how,omitempty"` // see Ends; "" with Reopen
	At     int64  `json:"at"`
	Made   int64  `json:"made"`
	Reopen bool   `json:"reopen,omitempty"` // withdraws an earlier close
}

// UnitReceived makes a serialised unit known; whole after each change. What a
// unit is, its product, GTIN and serial, never changes.
type UnitReceived struct {
	ID      string  `json:"id"` // GTIN.SERIAL
	Product string  `json:"product"`
	GTIN    string  `json:"gtin"`
	Serial  string  `json:"serial"`
	Lot     string  `json:"lot"`
	Expiry  string  `json:"expiry"` // YYYY-MM-DD
	Spent   []Spent `json:"spent,omitempty"`
}

// Spent is what an earlier custodian says was used of a stability budget.
type Spent struct {
	Budget   string `json:"budget"` // its name in the profile or product
	Duration int64  `json:"ms"`
	Source   string `json:"source"` // who says so, by which document
}

// InventoryAdjusted changes the stock of a product at a site.
type InventoryAdjusted struct {
	ID      string `json:"id"`
	Product string `json:"product"`
	Site    string `json:"site"`
	Lot     string `json:"lot,omitempty"`
	Change  int64  `json:"change"` // units, not 0
	Reason  string `json:"reason"`
	// Below is set where somebody has allowed the stock to become negative.
	Below bool `json:"below,omitempty"`
}
